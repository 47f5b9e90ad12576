import Basics
import Execution

/// How a frame becomes the network's input: cut into tiles, if it is large, each resized to `width` x `height` with
/// Pillow's LANCZOS on 8-bit RGB, divided by 255, then (v - mean) / standardDeviation per channel.
package struct Preprocessing: Sendable, Equatable {
  package private(set) var width = 256
  package private(set) var height = 256
  /// R, G, B, on the scale 0...1.
  package private(set) var mean: [Float] = [0, 0, 0]
  /// R, G, B, on the scale 0...1; above 0.
  package private(set) var standardDeviation: [Float] = [1, 1, 1]
  /// How samples of more than 8 bits become 8, before all else.
  package private(set) var window = Window.full
  /// How frames are cut into tiles; nil for whole frames.
  package private(set) var tiling: Tiling?
  /// The Pillow version whose resize is reproduced.
  package private(set) var resampling = Resampling.pillow3

  /// Largest side of the network's input, in pixels.
  package static let maximumSide = 2048
  package static let minimumSide = 32

  /// Whole frames at the original's default size, not normalised.
  package init() {}

  /// Fails with `.invalidArgument` for a value out of range.
  package init(
    width: Int, height: Int, mean: [Float] = Self().mean, standardDeviation: [Float] = Self().standardDeviation,
    window: Window = .full, tiling: Tiling? = nil, resampling: Resampling = .pillow3
  ) throws(Failure) {
    let sides = Self.minimumSide...Self.maximumSide
    guard sides.contains(width), sides.contains(height) else {
      throw Failure(.invalidArgument, "the input size \(width)x\(height) is not within \(sides) pixels")
    }
    guard mean.count == 3, standardDeviation.count == 3,
      mean.allSatisfy({ $0.isFinite && abs($0) < 100 }),
      standardDeviation.allSatisfy({ $0 > 1e-6 && $0 < 1e6 })
    else {
      throw Failure(.invalidArgument, "mean and standard deviation must be three finite values, the latter positive")
    }
    (self.width, self.height) = (width, height)
    (self.mean, self.standardDeviation) = (mean, standardDeviation)
    (self.window, self.tiling, self.resampling) = (window, tiling, resampling)
  }

  /// A copy with another's mean and standard deviation.
  package func normalized(as other: Preprocessing) -> Preprocessing {
    var result = self
    (result.mean, result.standardDeviation) = (other.mean, other.standardDeviation)
    return result
  }

  /// Resizes frames, or tiles of them, to the network's size.
  package func resizer(_ workers: Workers? = nil) throws(Failure) -> Resizer {
    try Resizer(width: width, height: height, window: window, resampling: resampling, workers: workers)
  }
}
