import Basics

/// One axis of a sliding window as a table of indices: tap k of output i reads input `sources[i * kernel + k]`, or nothing where
/// that is -1.
struct WindowAxis {
  let outputLength: Int
  let sources: Buffer<Int>
  /// The outputs whose taps are neighbours in the input, with none beyond its ends.
  let interior: Range<Int>

  /// - Parameters:
  ///   - margins: how many places the window sees before the first and after the last one of the axis.
  ///   - isMirrored: whether these mirror the axis at its ends, without repeating the ends; otherwise they are zeros.
  init(
    length: Int, kernel: Int, stride: Int, margins: (before: Int, after: Int), isMirrored: Bool
  ) throws(Failure) {
    let (before, after) = margins
    if isMirrored, before >= length {
      throw Failure(.invalidArgument, "the input is too small: a map of \(length) cannot be mirrored by \(before)")
    }
    guard length + before + after >= kernel else {
      throw Failure(.invalidArgument, "the input is too small: a map of \(length) under a kernel of \(kernel)")
    }
    outputLength = (length + before + after - kernel) / stride + 1
    sources = try Buffer(count: outputLength * kernel)
    for i in 0..<sources.count {
      var source = i / kernel * stride + i % kernel - before
      if isMirrored {
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
