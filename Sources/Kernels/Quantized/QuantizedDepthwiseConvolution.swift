import Basics

/// A 2-D convolution of each channel with a kernel of its own, over position-major maps of bytes.
package struct QuantizedDepthwiseConvolution: Operation {
  private let window: SlidingWindow
  /// One row of channels per tap.
  private let weights: SharedFloats
  private let zero: SharedFloats
  private let correction: SharedFloats
  private let output: QuantizedOutput

  /// What the magnitudes of a channel's weights add up to at most: sums of their products with bytes stay below 2^24, where
  /// floats are exact.
  package static let largestWeightSum = (1 << 24) / 255

  /// - Parameters:
  ///   - shape: one with as many groups as inputs and outputs.
  ///   - weights: rows of the window's taps, integers.
  ///   - zeros: of the channels: the bytes that stand for 0.
  package init(
    _ shape: ConvolutionShape, weights: WeightRows, zeros: [Float], output: QuantizedOutput
  ) throws(Failure) {
    let (channels, taps) = (shape.outputs, shape.window.taps)
    guard shape.inputs == shape.groups, channels == shape.groups, zeros.count == channels, output.channels == channels
    else {
      throw Failure(.format, "\(shape.groups) groups of \(shape.inputs) to \(channels) channels are not one each")
    }
    let rows = try FloatBuffer(count: channels * taps, isBrief: true)
    for first in stride(from: 0, to: channels, by: 16) {
      try weights(first..<min(first + 16, channels), rows.base + first * taps)
    }
    var correction: [Float] = []
    for channel in 0..<channels {
      let row = UnsafeBufferPointer(start: rows.base + channel * taps, count: taps)
      guard row.allSatisfy({ $0 == $0.rounded() }), row.reduce(0, { $0 + abs($1) }) <= Float(Self.largestWeightSum)
      else { throw Failure(.format, "a channel's weights are no integers, or too large") }
      correction.append(-zeros[channel] * row.reduce(0, +))
    }
    self.weights = try SharedFloats(count: channels * taps + MapQuantization.padding) { memory in
      transpose(rows.base, stride: taps, rows: channels, columns: taps, into: memory, stride: channels)
    }
    zero = try SharedFloats(zeros, paddedCount: channels + MapQuantization.padding)
    self.correction = try SharedFloats(correction, paddedCount: channels + MapQuantization.padding)
    (self.window, self.output) = (shape.window, output)
  }

  package func plan(_ input: Grid) throws(Failure) -> WindowPlan { try WindowPlan(input, window) }

  package func run(_ plan: WindowPlan, _ memory: LayerMemory) {
    let task = QuantizedDepthwise(
      window: plan.window(memory.inputBytes), weights: weights.base, zero: zero.base, correction: correction.base,
      epilogue: output.epilogue(memory))
    withUnsafePointer(to: task) { task in
      memory.workers.run(parts: plan.output.height, context: task) { context, row, _ in
        Kernels.quantized.quantizedDepthwise(
          context.assumingMemoryBound(to: QuantizedDepthwise.self).pointee, outputRows: row..<row &+ 1)
      }
    }
  }
}

/// The maximum over a sliding window of a map of bytes; what they stand for stays.
package struct QuantizedMaxPooling: Operation {
  private let window: SlidingWindow

  package init(_ window: SlidingWindow) { self.window = window }

  package func plan(_ input: Grid) throws(Failure) -> WindowPlan { try WindowPlan(input, window) }

  package func run(_ plan: WindowPlan, _ memory: LayerMemory) {
    withUnsafePointer(to: (window: plan.window(memory.inputBytes), y: memory.outputBytes)) { job in
      memory.workers.run(parts: plan.output.height, context: job) { context, row, _ in
        let job = context.assumingMemoryBound(to: (window: QuantizedWindow, y: UnsafeMutablePointer<UInt8>).self)
        Kernels.quantized.quantizedMaximum(job.pointee.window, outputRows: row..<row &+ 1, into: job.pointee.y)
      }
    }
  }
}
