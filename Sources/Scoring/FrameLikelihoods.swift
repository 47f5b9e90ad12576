import Basics
import Imaging

/// The log-likelihoods of a frame, stored so that maps can be made of them later.
package struct FrameLikelihoods {
  package let width: Int
  package let height: Int
  /// log p / C, one tile after the other: the levels' grids, finest first.
  let values: [Float]

  /// Fails with `.diverged` when a log-likelihood is not finite.
  package init(_ frame: PreparedFrame, by scorer: FrameScorer) throws(Failure) {
    (width, height) = (frame.width, frame.height)
    let count = frame.pictures.count * scorer.detector.positionCount
    try checkMemory(for: count, of: Float.self)
    var values = [Float](repeating: 0, count: count)
    try values.withUnsafeMutableBufferPointer { (values) throws(Failure) in
      var request = FrameRequest()
      request.wantsScore = false
      request.logLikelihoods = .init(values.baseAddress, capacity: count)
      _ = try scorer.score(frame, request)
    }
    self.values = values
  }
}
