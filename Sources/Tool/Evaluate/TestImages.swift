import Basics
import DataSets
import ImageFiles
import Imaging

/// A class's test images as a network sees them, with the truth about their pixels.
final class TestImages {
  /// The samples that could be read.
  let samples: [Sample]
  let frames: [PreparedFrame]
  /// The size of every image's map.
  let width: Int
  let height: Int
  /// images x height x width: 0 good, 1 defective; nil when it is not known for all images, or when all are good. The
  /// buffer may be longer.
  let truth: Buffer<UInt8>?
  /// 0 good, 1 defective.
  let labels: [UInt8]
  /// How samples of more than 8 bits become 8.
  let window: Window

  /// Reads and resizes the images. Fails with `.cancelled` after Ctrl-C, and with `.unsupported` when their maps would
  /// not be of one size.
  ///
  /// - Parameter onFailure: is told why an image or its mask cannot be read; unless it throws, the image is left out.
  init(
    _ samples: [Sample], _ preprocessing: Preprocessing, _ display: ProgressDisplay,
    onFailure: (Failure) throws(Failure) -> Void
  ) throws(Failure) {
    let resizer = try preprocessing.resizer()
    let isTruthKnown = samples.contains(where: \.isDefective) && samples.allSatisfy(\.hasTruth)
    var (width, height) = (preprocessing.width, preprocessing.height)
    var (kept, frames, truth): ([Sample], [PreparedFrame], Buffer<UInt8>?) = ([], [], nil)
    var progress = Progress("reading", total: samples.count)
    for sample in samples {
      try Interrupt.check()
      display.show(progress)
      progress.done += 1
      let picture: Picture
      do throws(Failure) {
        picture = try ImageFile.read(path: sample.image)
      } catch {
        try onFailure(error)
        continue
      }
      let tiles = preprocessing.tiles(frameWidth: picture.width, frameHeight: picture.height)
      let (mapWidth, mapHeight) = (tiles.columns.mapLength, tiles.rows.mapLength)
      if kept.isEmpty {
        (width, height) = (mapWidth, mapHeight)
        if isTruthKnown { truth = try Self.truthMemory(samples.count, width, height) }
      }
      guard mapWidth == width, mapHeight == height else {
        throw Failure(
          .unsupported, "\(sample.image): with tiles, only images of one size are evaluated together; this one differs")
      }
      do throws(Failure) {
        if let truth {
          try sample.truth(width: width, height: height, into: truth.base + kept.count * width * height)
        }
      } catch {
        try onFailure(error)
        continue
      }
      try picture.withFrame { frame throws(Failure) in
        frames.append(try PreparedFrame(frame, preprocessing, resizer: resizer))
      }
      kept.append(sample)
    }
    display.show(progress)
    self.samples = kept
    self.frames = frames
    self.width = width
    self.height = height
    labels = kept.map { $0.isDefective ? 1 : 0 }
    self.truth = labels.contains(1) ? truth : nil
    window = preprocessing.window
  }

  private static func truthMemory(_ count: Int, _ width: Int, _ height: Int) throws(Failure) -> Buffer<UInt8> {
    guard let size = checkedProduct([count, width, height]) else {
      throw Failure(.unsupported, "\(count) maps of \(width)x\(height) values are too many")
    }
    return try Buffer<UInt8>(count: size)
  }

  var count: Int { samples.count }
  var pixelCount: Int { width * height }

  /// The truth about an image, height x width; nil when it is not known.
  func truth(_ index: Int) -> UnsafePointer<UInt8>? { truth.map { UnsafePointer($0.base + index * pixelCount) } }

  /// Sentences about what is odd in the masks of defective images.
  var doubts: [String] {
    let shares = samples.indices.filter { samples[$0].isDefective }.compactMap { index in
      truth(index).map { truth in
        (image: samples[index].image, share: (0..<pixelCount).reduce(0) { $0 + Int(truth[$1]) })
      }
    }
    let empty = shares.filter { $0.share == 0 }
    let full = shares.filter { 2 * $0.share > pixelCount }
    return [
      (empty, "no pixel is defective"), (full, "more than half of it is defective; if its ground is white, invert it"),
    ]
    .compactMap { doubtful, what in
      doubtful.first.map {
        "\($0.image): by its mask \(what)" + (doubtful.count > 1 ? ", and so of \(doubtful.count - 1) more" : "")
      }
    }
  }
}
