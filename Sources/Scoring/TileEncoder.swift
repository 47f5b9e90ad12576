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

  /// One for each thread, to encode as many tiles at the same time.
  package static func forEachThread(
    of workers: Workers, _ encoder: Encoder, _ preprocessing: Preprocessing
  ) throws(Failure) -> [TileEncoder] {
    // Without threads of their own, so that they can share it.
    let alone = try Workers(count: 1)
    return try (0..<workers.count).map { _ throws(Failure) in try TileEncoder(encoder, preprocessing, workers: alone) }
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

  /// Copies them to where they are wanted of a frame's tiles.
  func copyFeatures(tile: Int, to request: FrameRequest) {
    guard let room = request.features else { return }
    copyFeatures(to: room.base + tile &* levelGrids.reduce(0) { $0 + $1.count })
  }
}
