import Basics
import DataSets
import ImageFiles
import Imaging

/// A class's test images at a network's size, with the truth about their pixels.
final class TestImages {
  let samples: [Sample]
  let width: Int
  let height: Int
  /// images x height x width, R, G, B.
  private let colors: Buffer<UInt8>
  /// images x height x width: 0 good, 1 defective; nil when that is not known of all images, or when all are good.
  let truth: Buffer<UInt8>?
  /// 0 good, 1 defective.
  let labels: [UInt8]

  /// Reads and resizes the images. Fails with `.cancelled` after Ctrl-C.
  init(_ samples: [Sample], width: Int, height: Int) throws(Failure) {
    guard let size = checkedProduct([samples.count, width, height, 3]) else {
      throw Failure(.unsupported, "\(samples.count) images of \(width) x \(height) pixels are too many")
    }
    self.samples = samples
    self.width = width
    self.height = height
    colors = try Buffer(count: size)
    labels = samples.map { $0.isDefective ? 1 : 0 }
    let isKnown = labels.contains(1) && samples.allSatisfy(\.hasTruth)
    truth = isKnown ? try Buffer(count: size / 3) : nil
    let resizer = try Resizer(width: width, height: height)
    for (index, sample) in samples.enumerated() {
      try Interrupt.check()
      let picture = try ImageFile.read(path: sample.image)
      try picture.withFrame { frame throws(Failure) in
        try resizer.resize(frame, into: colors.base + 3 * index * width * height)
      }
      if let truth {
        try sample.truth(width: width, height: height, into: truth.base + index * width * height)
      }
    }
  }

  var count: Int { samples.count }
  var pixelCount: Int { width * height }

  /// Height x width RGB8 of an image.
  func pixels(_ index: Int) -> UnsafePointer<UInt8> { UnsafePointer(colors.base + 3 * index * pixelCount) }

  /// Height x width of an image; nil when it is not known.
  func truth(_ index: Int) -> UnsafePointer<UInt8>? { truth.map { UnsafePointer($0.base + index * pixelCount) } }
}
