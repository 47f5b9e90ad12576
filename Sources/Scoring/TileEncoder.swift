import Basics
import Encoders
import Execution
import Imaging
import Kernels

/// Computes an encoder's features from the pixels of a tile at the network's size, one call at a time. It holds the memory for
/// that; running allocates nothing.
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

  /// One for each thread, to encode as many tiles at the same time.
  package static func forEachThread(
    of workers: Workers, _ encoder: Encoder, _ preprocessing: Preprocessing
  ) throws(Failure) -> [TileEncoder] {
    // Has no threads of its own, so that all of them can share it.
    let alone = try Workers(count: 1)
    return try (0..<workers.count).map { _ throws(Failure) in try TileEncoder(encoder, preprocessing, workers: alone) }
  }

  /// Computes ``features`` of height x width RGB8 pixels.
  package func run(_ pixels: UnsafePointer<UInt8>, _ stageEnded: StageObserver? = nil) {
    let image = input.image(pixels)
    stageEnded?(.normalize)
    session.run(image)
    stageEnded?(.encoder)
  }

  /// The last tile's features of each level: positions x C.
  package var features: [UnsafePointer<Float>] { session.features }

  /// Copies the last tile's features of all levels, one after the other.
  package func copyFeatures(to target: UnsafeMutablePointer<Float>) {
    var target = target
    for (values, grid) in zip(features, levelGrids) {
      target.update(from: values, count: grid.count)
      target += grid.count
    }
  }

  /// Copies the last tile's features to the caller's array, if features are wanted there.
  func copyFeatures(tile: Int, to request: FrameRequest) {
    guard let room = request.features else { return }
    copyFeatures(to: room.base + tile &* levelGrids.reduce(0) { $0 + $1.count })
  }
}
