import Basics
import Encoders
import Execution
import Imaging
import Kernels
import Scoring

/// Provides the features of training frames, batch by batch. With random rotation frames are encoded anew in each pass.
/// Without it each is encoded once, as far as the memory for features reaches.
final class FeatureSource {
  /// The grid of each level, finest first.
  let levels: [Grid]
  /// Of the encoder.
  var precision: Precision { network.description.precision }
  private let frames: [[UInt8]]
  private let rotationDegrees: Double
  private let seed: UInt64
  /// The threads of the encoder and of the training steps.
  let workers: Workers
  private let encoder: TileEncoder
  /// One encoder for each thread, which fill the cache with several frames at a time. They are made when they are first used:
  /// frames that are turned anew in each pass are not cached, and encoders would only take memory.
  private var encoders: [TileEncoder] = []
  private let network: Encoder
  private let preprocessing: Preprocessing
  private var rotated: [UInt8]
  /// For each frame the features of all levels, one after the other; nil where there is no room for them or they were
  /// not encoded yet. Behind the frames come the same frames turned by 180 degrees.
  private var cache: [FloatBuffer?]
  /// How many frames' features fit in the memory for them.
  private let room: Int
  /// How many frames, from the first on, have room in the cache.
  let cachedCount: Int
  /// The features of those frames of the current batch that are not in the cache.
  private var batch: [FloatBuffer] = []
  private var current: [FloatBuffer] = []

  /// - Parameters:
  ///   - frames: height x width RGB8 each, of the network's size.
  ///   - workers: share the work.
  init(
    _ encoder: Encoder, preprocessing: Preprocessing, frames: [[UInt8]], options: TrainingOptions, workers: Workers
  ) throws(Failure) {
    self.workers = workers
    self.encoder = try TileEncoder(encoder, preprocessing, workers: workers)
    (network, self.preprocessing) = (encoder, preprocessing)
    levels = self.encoder.levelGrids
    let pixelBytes = 3 * preprocessing.width * preprocessing.height
    try checkMemory(for: pixelBytes, of: UInt8.self)
    rotated = [UInt8](repeating: 0, count: pixelBytes)
    rotationDegrees = Double(options.rotationDegrees)
    seed = options.seed
    self.frames = frames
    let frameBytes = MemoryLayout<Float>.stride * levels.reduce(0) { $0 + $1.count }
    room = options.featureCacheBytes / max(frameBytes, 1)
    cachedCount = rotationDegrees == 0 ? min(frames.count, room) : 0
    cache = Array(repeating: nil, count: 2 * frames.count)
  }

  /// Encodes the frames that have room in the cache.
  func fillCache(_ reporter: inout ProgressReporter) throws(Failure) {
    var progress = TrainingProgress(stage: .encode, total: cachedCount)
    try encode(Array(0..<cachedCount), &progress, &reporter)
  }

  var frameCount: Int { frames.count }

  /// Whether the features of so many frames fit in the memory for them.
  func hasRoom(for count: Int) -> Bool { count <= room }

  /// Fails with `.outOfMemory` unless ``hasRoom(for:)``.
  func checkRoom(for count: Int) throws(Failure) {
    if hasRoom(for: count) { return }
    let bytes = count * featureCount * MemoryLayout<Float>.stride
    throw Failure(
      .outOfMemory, "the features of \(count) frames take \(bytes >> 20) MiB, more than the memory for cached features")
  }

  /// Encodes frames into the cache, each once; there must be room. Indices from ``frameCount`` on mean the same frames
  /// turned by 180 degrees.
  func encode(
    _ indices: [Int], _ progress: inout TrainingProgress, _ reporter: inout ProgressReporter
  ) throws(Failure) {
    let missing = indices.filter { cache[$0] == nil }
    if !missing.isEmpty, encoders.isEmpty {
      encoders = try TileEncoder.forEachThread(of: workers, network, preprocessing)
    }
    // With several frames for each thread all end at about the same time.
    let groupSize = 4 * workers.count
    for first in stride(from: 0, to: missing.count, by: groupSize) {
      let group = missing[first..<min(first + groupSize, missing.count)]
      let pictures = group.map { $0 < frames.count ? frames[$0] : HalfTurns.turned(frames[$0 - frames.count]) }
      let features = try pictures.map { _ throws(Failure) in try FloatBuffer(count: featureCount) }
      // A thread takes whole frames, and does not wait for the others after every layer.
      workers.run(parts: pictures.count) { encode(pictures[$0], by: encoders[$1], into: features[$0]) }
      for (index, features) in zip(group, features) { cache[index] = features }
      progress.done += group.count
      try reporter.report(progress, isImportant: progress.done == progress.total)
    }
  }

  /// A level of frames in the cache, of which the first ones are different pictures.
  func cachedFeatures(level: Int, of indices: [Int], pictureCount: Int? = nil) -> LevelFeatures {
    let start = levels[..<level].reduce(0) { $0 + $1.count }
    return LevelFeatures(
      grid: levels[level], frames: indices.compactMap { cache[$0].map { UnsafePointer($0.base + start) } },
      pictureCount: pictureCount)
  }

  /// Makes a frame the current batch's `slot`.
  ///
  /// - Parameter pass: the number of the pass over the frames; each has its own rotations.
  func load(_ frame: Int, slot: Int, pass: Int) throws(Failure) {
    if let cached = cache[frame] {
      place(cached, slot: slot)
      return
    }
    while batch.count <= slot { batch.append(try FloatBuffer(count: featureCount)) }
    if rotationDegrees > 0 {
      var random = Random(seed: seed, purpose: "rotation", pass, frame)
      let degrees = random.uniform(in: -rotationDegrees...rotationDegrees)
      let (width, height) = (preprocessing.width, preprocessing.height)
      frames[frame].withUnsafeBufferPointer { pixels in
        rotated.withUnsafeMutableBufferPointer { rotated in
          guard let pixels = pixels.baseAddress, let rotated = rotated.baseAddress else { return }
          Rotation.rotate(pixels, width: width, height: height, degrees: degrees, into: rotated)
        }
      }
      encode(rotated, by: encoder, into: batch[slot])
    } else {
      encode(frames[frame], by: encoder, into: batch[slot])
    }
    place(batch[slot], slot: slot)
  }

  private func place(_ features: FloatBuffer, slot: Int) {
    if slot < current.count { current[slot] = features } else { current.append(features) }
  }

  private var featureCount: Int { levels.reduce(0) { $0 + $1.count } }

  private func encode(_ pixels: [UInt8], by encoder: TileEncoder, into features: FloatBuffer) {
    pixels.withUnsafeBufferPointer { pixels in
      if let pixels = pixels.baseAddress { encoder.run(pixels) }
    }
    encoder.copyFeatures(to: features.base)
  }

  /// Gathers fibers of a level from the current batch, and sets their conditions.
  ///
  /// - Parameter indices: slot * positions + position.
  func gather(
    level: Int, indices: ArraySlice<Int>, into fibers: UnsafeMutablePointer<Float>, _ conditions: PositionConditions
  ) {
    let grid = levels[level]
    let start = levels[..<level].reduce(0) { $0 + $1.count }
    for (row, index) in indices.enumerated() {
      let (slot, position) = index.quotientAndRemainder(dividingBy: grid.positions)
      (fibers + row * grid.channels).update(
        from: current[slot].base + (start + position * grid.channels), count: grid.channels)
      conditions.set(row, position: position)
    }
  }
}
