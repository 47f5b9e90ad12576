import Basics
import Imaging

/// The log-likelihoods of a frame, kept to make maps from.
package struct FrameLikelihoods {
  package let width: Int
  package let height: Int
  /// log p / C of each tile: the levels' grids one after the other, finest first.
  private(set) var tiles: [[Float]] = []

  /// Fails with `.diverged` when one is not finite.
  package init(_ frame: PreparedFrame, by session: LikelihoodSession) throws(Failure) {
    self.init(width: frame.width, height: frame.height)
    for picture in frame.pictures {
      session.run(resized: picture)
      try append(session)
    }
  }

  init(width: Int, height: Int) {
    self.width = width
    self.height = height
  }

  /// Adds the tile that the session ran last.
  mutating func append(_ session: LikelihoodSession) throws(Failure) {
    try session.checkFinite()
    try checkMemory(for: session.detector.positionCount, of: Float.self)
    tiles.append(Array(UnsafeBufferPointer(start: session.logLikelihoods, count: session.detector.positionCount)))
  }
}
