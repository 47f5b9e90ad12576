import Basics
import Scoring

/// The log-likelihoods of a class's test images, from which maps of either protocol are made.
final class ScoredImages {
  let images: TestImages
  let calibration: Calibration?
  private let likelihoods: [FrameLikelihoods]
  private let maps: LikelihoodMaps

  /// Scores the images. The detector is not needed afterwards. Fails with `.cancelled` after Ctrl-C, and with `.diverged`.
  init(
    _ detector: Detector, _ images: TestImages, threadCount: Int, _ display: ProgressDisplay
  ) throws(Failure) {
    self.images = images
    calibration = detector.calibration
    maps = try LikelihoodMaps(detector, region: nil, smoothing: detector.calibration?.smoothing ?? 0)
    // The likelihoods are of whole frames, whatever region the detector was calibrated in.
    let scorer = try FrameScorer(Detector(detector, calibration: nil), threadCount: threadCount)
    var likelihoods: [FrameLikelihoods] = []
    var progress = Progress("scoring", total: images.count)
    for (frame, sample) in zip(images.frames, images.samples) {
      try Interrupt.check()
      do throws(Failure) {
        likelihoods.append(try FrameLikelihoods(frame, by: scorer))
      } catch {
        throw error.within(sample.image)
      }
      progress.done += 1
      display.show(progress)
    }
    self.likelihoods = likelihoods
  }

  /// The constants that a protocol inverts maps with.
  struct Constants {
    var levelMaxima: [Double]
    var total: Double
  }

  /// The largest log-likelihood of each level over all images, as in the paper's protocol. The total comes from the maps.
  var levelMaxima: [Double] {
    get throws(Failure) { try maps.levelMaxima(of: likelihoods) }
  }

  /// Writes the sum of an image's likelihoods over the levels: height x width, high where it looks good.
  func sumLikelihoods(
    _ index: Int, levelMaxima: [Double], into sums: UnsafeMutablePointer<Float>
  ) throws(Failure) {
    _ = try maps.sum(likelihoods[index], levelMaxima: levelMaxima)
    sums.update(from: maps.values, count: images.pixelCount)
  }

  /// Writes an image's anomaly map, height x width, whose maximum is its score.
  func computeMap(
    _ index: Int, _ constants: Constants, into values: UnsafeMutablePointer<Float>
  ) throws(Failure) -> AnomalyMap.Summary {
    let summary = try maps.map(
      likelihoods[index], levelMaxima: constants.levelMaxima, total: constants.total)
    values.update(from: maps.values, count: images.pixelCount)
    return summary
  }
}
