import Basics

/// What a convolution sees beyond the border of a map.
package enum Padding: String, Sendable, CaseIterable {
  /// Mirrored without repeating the border: the original cflow-ad's ResNets.
  case reflect
  /// torchvision, timm, anomalib.
  case zeros
  /// TensorFlow's "SAME": zeros, as many as the stride needs, the odd one at the end. EfficientNets.
  case same
}

/// A square window that slides over a map.
package struct SlidingWindow: Sendable, Equatable {
  package let kernel: Int
  package let stride: Int
  /// nil: the window stays within the map, which it reaches both ends of.
  package let padding: Padding?

  package init(kernel: Int, stride: Int = 1, padding: Padding? = nil) {
    self.kernel = kernel
    self.stride = stride
    self.padding = padding
  }

  /// Taps of a map's channel under the window.
  package var taps: Int { kernel * kernel }

  /// Places before the first and after the last of an axis that the window sees. But for "SAME" it is centred on its output's
  /// place.
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

  /// An axis with what the window sees beyond its ends.
  func borderedAxis(_ length: Int) throws(Failure) -> WindowAxis { try axis(length, 1, 1) }

  private func axis(_ length: Int, _ kernel: Int, _ stride: Int) throws(Failure) -> WindowAxis {
    try WindowAxis(
      length: length, kernel: kernel, stride: stride, margins: margins(length), isMirrored: padding == .reflect)
  }
}
