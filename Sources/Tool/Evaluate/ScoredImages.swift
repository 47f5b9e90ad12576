import Basics
import Kernels
import Scoring

/// The log-likelihoods of a class's test images, from which maps of either protocol are made.
final class ScoredImages {
  let images: TestImages
  let calibration: Calibration?
  /// images x positions: the levels' grids one after the other.
  private let logLikelihoods: FloatBuffer
  private let levels: [Grid]
  private let positions: Int
  private let map: AnomalyMap

  /// Scores the images; the detector is of no more use then. Fails with `.cancelled` after Ctrl-C, and with `.diverged`.
  init(_ detector: Detector, _ images: TestImages, threadCount: Int) throws(Failure) {
    self.images = images
    calibration = detector.calibration
    levels = detector.levels
    positions = detector.positionCount
    map = try AnomalyMap(width: images.width, height: images.height, levels: levels)
    guard let count = checkedProduct([images.count, positions]) else {
      throw Failure(.unsupported, "\(images.count) images are too many")
    }
    logLikelihoods = try FloatBuffer(count: count)
    let session = try LikelihoodSession(detector, threadCount: threadCount)
    for index in 0..<images.count {
      try Interrupt.check()
      session.run(resized: images.pixels(index))
      guard session.isFinite else {
        throw Failure(.diverged, "\(images.samples[index].image): the network's output is not finite")
      }
      (logLikelihoods.base + index * positions).update(from: session.logLikelihoods, count: positions)
    }
  }

  /// The constants that a protocol inverts maps with.
  struct Constants {
    var levelMaxima: [Double]
    var total: Double
  }

  /// Of each level the largest log-likelihood of all images: the paper's. The total comes from the maps.
  var levelMaxima: [Double] {
    var start = 0
    return levels.map { grid in
      defer { start += grid.positions }
      var maximum = -Float.infinity
      for image in 0..<images.count {
        let values = logLikelihoods.base + image * positions + start
        for i in 0..<grid.positions { maximum = max(maximum, values[i]) }
      }
      return Double(maximum)
    }
  }

  /// Writes the sum of an image's likelihoods over the levels: height x width, high where it looks good.
  func sumLikelihoods(_ index: Int, levelMaxima: [Double], into sums: UnsafeMutablePointer<Float>) {
    map.sum(logLikelihoods: logLikelihoods.base + index * positions, levelMaxima: levelMaxima, into: sums)
  }

  /// Writes an image's anomaly map, height x width, and returns its score.
  func computeMap(_ index: Int, _ constants: Constants, into values: UnsafeMutablePointer<Float>) -> Float {
    sumLikelihoods(index, levelMaxima: constants.levelMaxima, into: values)
    return map.invert(values, total: constants.total)
  }
}
