import Basics
import Encoders
import Imaging
import Kernels

/// From the pixels of a tile at the network's size to an encoder's features: scratch memory for one call at a time. Running
/// allocates nothing.
package final class TileEncoder {
  /// The grid of each level, finest first.
  package var levelGrids: [Grid] { session.levelGrids }
  private let input: EncoderInput
  private let session: EncoderSession

  /// - Parameter workers: share the work; nobody else may use them meanwhile.
  package init(_ encoder: Encoder, _ preprocessing: Preprocessing, workers: Workers) throws(Failure) {
    input = try EncoderInput(preprocessing, for: encoder, workers)
    session = try EncoderSession(
      encoder, height: preprocessing.height, width: preprocessing.width, workers: workers)
  }

  /// Computes ``features(_:)`` of height x width RGB8 pixels.
  package func run(_ pixels: UnsafePointer<UInt8>, _ clock: StageClock? = nil) {
    let image = input.image(pixels)
    clock?(.normalize)
    session.run(image)
    clock?(.encoder)
  }

  /// The last tile's features of a level: positions x C.
  package func features(_ level: Int) -> UnsafePointer<Float> { session.features(level) }

  /// Copies the last tile's features of all levels, one after the other.
  package func copyFeatures(to target: UnsafeMutablePointer<Float>) {
    var target = target
    for (level, grid) in levelGrids.enumerated() {
      target.update(from: features(level), count: grid.count)
      target += grid.count
    }
  }
}
