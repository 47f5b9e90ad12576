import Basics
import DataSets
import ImageFiles
import Imaging

/// A class's test images as a network sees them, with the truth about their pixels.
final class TestImages {
  let samples: [Sample]
  let frames: [PreparedFrame]
  /// Of every image's map.
  let width: Int
  let height: Int
  /// images x height x width: 0 good, 1 defective; nil when that is not known of all images, or when all are good.
  let truth: Buffer<UInt8>?
  /// 0 good, 1 defective.
  let labels: [UInt8]

  /// Reads and resizes the images. Fails with `.cancelled` after Ctrl-C, and with `.unsupported` when their maps would
  /// not be of one size.
  init(_ samples: [Sample], _ preprocessing: Preprocessing) throws(Failure) {
    let resizer = try Resizer(width: preprocessing.width, height: preprocessing.height, window: preprocessing.window)
    var frames: [PreparedFrame] = []
    var (width, height) = (preprocessing.width, preprocessing.height)
    for sample in samples {
      try Interrupt.check()
      let picture = try ImageFile.read(path: sample.image)
      let tiles = preprocessing.tiles(frameWidth: picture.width, frameHeight: picture.height)
      let (mapWidth, mapHeight) = (tiles.columns.mapLength, tiles.rows.mapLength)
      if frames.isEmpty { (width, height) = (mapWidth, mapHeight) }
      guard mapWidth == width, mapHeight == height else {
        throw Failure(
          .unsupported, "\(sample.image): with tiles, only images of one size are evaluated together; this one differs")
      }
      try picture.withFrame { frame throws(Failure) in
        frames.append(try PreparedFrame(frame, preprocessing, resizer: resizer))
      }
    }
    self.samples = samples
    self.frames = frames
    self.width = width
    self.height = height
    labels = samples.map { $0.isDefective ? 1 : 0 }
    guard labels.contains(1), samples.allSatisfy(\.hasTruth) else {
      truth = nil
      return
    }
    guard let size = checkedProduct([samples.count, width, height]) else {
      throw Failure(.unsupported, "\(samples.count) maps of \(width) x \(height) values are too many")
    }
    let truth = try Buffer<UInt8>(count: size)
    for (index, sample) in samples.enumerated() {
      try sample.truth(width: width, height: height, into: truth.base + index * width * height)
    }
    self.truth = truth
  }

  var count: Int { samples.count }
  var pixelCount: Int { width * height }

  /// Height x width of an image; nil when it is not known.
  func truth(_ index: Int) -> UnsafePointer<UInt8>? { truth.map { UnsafePointer($0.base + index * pixelCount) } }
}
