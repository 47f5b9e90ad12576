import Basics
import Execution
import Flows

/// Computes the log-likelihoods of several tiles at a time. Each thread takes a tile through the encoder and the flows by itself,
/// whereas threads that share the layers of one tile wait for each other some eighty times. The values are the same, since none
/// depends on the thread that computes it.
final class TileBatch {
  /// A tile of a frame; a frame without tiles is one.
  struct Tile {
    /// The frame's place among the caller's, the layout for its size, and what is wanted of it.
    let frameIndex: Int
    let layout: FrameLayout
    let request: FrameRequest
    /// Which of the frame's tiles it is.
    let index: Int
  }

  private(set) var tiles: [Tile] = []
  var isFull: Bool { tiles.count == capacity }
  private let capacity: Int
  /// An encoder and a session of the flows for each thread.
  private let encoders: [TileEncoder]
  private let flows: [FlowSession]
  private let workers: Workers
  /// capacity x height x width RGB8: the tiles at the network's size.
  private let pixels: Buffer<UInt8>
  private let pixelBytes: Int
  /// capacity x positions.
  private let likelihoods: FloatBuffer
  private let positionCount: Int

  /// With several tiles for each thread all threads end at about the same time.
  private static let tilesPerThread = 4

  /// - Parameter workers: share the tiles; nobody else may use them meanwhile.
  init(_ detector: Detector, workers: Workers) throws(Failure) {
    encoders = try TileEncoder.forEachThread(of: workers, detector.encoder, detector.preprocessing)
    let alone = try Workers(count: 1)
    flows = try encoders.map { _ throws(Failure) in try FlowSession(detector.flows, workers: alone) }
    self.workers = workers
    capacity = Self.tilesPerThread * workers.count
    pixelBytes = 3 * detector.preprocessing.width * detector.preprocessing.height
    pixels = try Buffer(count: capacity * pixelBytes)
    positionCount = detector.positionCount
    likelihoods = try FloatBuffer(count: capacity * positionCount)
    tiles.reserveCapacity(capacity)
  }

  func removeAll() { tiles.removeAll(keepingCapacity: true) }

  /// Where the pixels of the tile that is added next must be written: height x width RGB8 of the network's size. The batch must not
  /// be full.
  var nextPixels: UnsafeMutablePointer<UInt8> { pixels.base + tiles.count &* pixelBytes }

  /// Adds the tile whose pixels were written to ``nextPixels``.
  @inline(never)
  func append(_ place: (frame: Int, tile: Int), of layout: FrameLayout, _ request: FrameRequest) {
    tiles.append(Tile(frameIndex: place.frame, layout: layout, request: request, index: place.tile))
  }

  /// A tile's pixels.
  func pixels(_ slot: Int) -> UnsafePointer<UInt8> { UnsafePointer(pixels.base + slot &* pixelBytes) }

  /// How many tiles, from the first on, to compute by ``run(first:)``. The others are done sooner when all threads share each.
  var sharedCount: Int {
    let rest = tiles.count % workers.count
    return 2 * rest > workers.count ? tiles.count : tiles.count - rest
  }

  /// Computes the first tiles' log-likelihoods, and copies the features that callers want of them.
  func run(first count: Int) {
    workers.run(parts: count, context: Unmanaged.passUnretained(self).toOpaque()) { context, slot, worker in
      Unmanaged<TileBatch>.fromOpaque(context).takeUnretainedValue().run(slot, worker)
    }
  }

  private func run(_ slot: Int, _ worker: Int) {
    let encoder = encoders[worker]
    encoder.run(pixels(slot))
    encoder.copyFeatures(tile: tiles[slot].index, to: tiles[slot].request)
    flows[worker].logLikelihoods(features: encoder.features, into: likelihoods.base + slot &* positionCount)
  }

  /// log p / C of a tile after ``run(first:)``.
  func logLikelihoods(_ slot: Int) -> UnsafePointer<Float> {
    UnsafePointer(likelihoods.base + slot &* positionCount)
  }
}
