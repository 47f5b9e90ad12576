import Basics

/// How a sliding window sees one axis beyond its ends.
enum Border: Sendable, Equatable {
  /// `before` and `after` zeros.
  case zeros(before: Int, after: Int)
  /// `margin` values on either side, mirrored without repeating the end.
  case reflect(margin: Int)

  /// Places before the first and after the last of the axis.
  var margins: (before: Int, after: Int) {
    switch self {
    case .zeros(let before, let after): (before, after)
    case .reflect(let margin): (margin, margin)
    }
  }

  /// TensorFlow's "SAME": the output has ceil(length / stride) places, the odd zero comes last.
  static func same(length: Int, kernel: Int, stride: Int) -> Border {
    let total = max(((length + stride - 1) / stride - 1) * stride + kernel - length, 0)
    return .zeros(before: total / 2, after: total - total / 2)
  }
}

/// One axis of a sliding window, resolved to indices: tap k of output i reads input `sources[i * kernel + k]`, or
/// nothing where that is -1.
struct WindowAxis {
  let outputLength: Int
  let sources: Buffer<Int>
  /// Outputs whose taps are neighbours in the input, none beyond its ends.
  let interior: Range<Int>

  init(length: Int, kernel: Int, stride: Int, border: Border) throws(Failure) {
    let (before, after) = border.margins
    if case .reflect(let margin) = border, margin >= length {
      throw Failure(.invalidArgument, "the input is too small: a map of \(length) cannot be mirrored by \(margin)")
    }
    guard length + before + after >= kernel else {
      throw Failure(.invalidArgument, "the input is too small: a map of \(length) under a kernel of \(kernel)")
    }
    outputLength = (length + before + after - kernel) / stride + 1
    sources = try Buffer(count: outputLength * kernel)
    for i in 0..<sources.count {
      var source = i / kernel * stride + i % kernel - before
      if case .reflect = border {
        if source < 0 { source = -source }
        if source >= length { source = 2 * (length - 1) - source }
      }
      sources.base[i] = (0..<length).contains(source) ? source : -1
    }
    let first = min((before + stride - 1) / stride, outputLength)
    let end = length + before < kernel ? 0 : (length + before - kernel) / stride + 1
    interior = first..<max(first, min(end, outputLength))
  }
}
