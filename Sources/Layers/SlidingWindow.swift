import Basics
import Kernels

/// What a convolution sees beyond the border of a map.
package enum Padding: String, Sendable, CaseIterable {
  /// Mirrored without repeating the border, as in the original cflow-ad's ResNets.
  case reflect
  /// Zeros, as in torchvision, timm and anomalib.
  case zeros
  /// TensorFlow's "SAME", as in EfficientNets: as many zeros as the stride needs, an odd one at the end.
  case same
}

/// A square window that slides over a map.
package struct SlidingWindow: Sendable, Equatable {
  package let kernel: Int
  package let stride: Int
  /// Nil when the window stays within the map and reaches both of its ends.
  package let padding: Padding?

  package init(kernel: Int, stride: Int = 1, padding: Padding? = nil) {
    self.kernel = kernel
    self.stride = stride
    self.padding = padding
  }

  /// The number of taps under the window.
  package var taps: Int { kernel * kernel }

  /// How many places before the first and after the last one of an axis the window sees. Except for "SAME" it is
  /// centred on its output's place.
  func margins(_ length: Int) -> (before: Int, after: Int) {
    let margin = (kernel - 1) / 2
    switch padding {
    case nil: return (0, 0)
    case .reflect, .zeros: return (margin, margin)
    case .same:
      let total = max(((length + stride - 1) / stride - 1) * stride + kernel - length, 0)
      return (total / 2, total - total / 2)
    }
  }

  func axes(_ input: Grid) throws(Failure) -> (rows: WindowAxis, columns: WindowAxis) {
    if padding == nil, (input.height - kernel) % stride != 0 || (input.width - kernel) % stride != 0 {
      throw Failure(
        .invalidArgument, "an input of \(input.width)x\(input.height) does not divide into patches of \(kernel)")
    }
    return (try axis(input.height, kernel, stride), try axis(input.width, kernel, stride))
  }

  /// An axis extended by what the window sees beyond its ends.
  func borderedAxis(_ length: Int) throws(Failure) -> WindowAxis { try axis(length, 1, 1) }

  private func axis(_ length: Int, _ kernel: Int, _ stride: Int) throws(Failure) -> WindowAxis {
    try WindowAxis(
      length: length, kernel: kernel, stride: stride, margins: margins(length), isMirrored: padding == .reflect)
  }
}
