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

  /// What the window sees beyond the ends of an axis. But for "SAME" it is centred on its output's place.
  func border(_ length: Int) -> Border {
    let margin = (kernel - 1) / 2
    return switch padding {
    case nil: .zeros(before: 0, after: 0)
    case .reflect: .reflect(margin: margin)
    case .zeros: .zeros(before: margin, after: margin)
    case .same: .same(length: length, kernel: kernel, stride: stride)
    }
  }

  func axes(_ input: Grid) throws(Failure) -> (rows: WindowAxis, columns: WindowAxis) {
    if padding == nil, (input.height - kernel) % stride != 0 || (input.width - kernel) % stride != 0 {
      throw Failure(
        .invalidArgument, "an input of \(input.width)x\(input.height) does not divide into patches of \(kernel)")
    }
    return (
      try WindowAxis(length: input.height, kernel: kernel, stride: stride, border: border(input.height)),
      try WindowAxis(length: input.width, kernel: kernel, stride: stride, border: border(input.width))
    )
  }
}
