import Basics
import Kernels

/// A 2-D convolution of each channel with a kernel of its own, over position-major maps of bytes.
package struct QuantizedDepthwiseConvolution: Operation {
  private let window: SlidingWindow
  private let weights: DepthwiseWeights
  private let border: SharedBuffer<UInt8>
  private let output: QuantizedOutput

  /// The largest sum of the magnitudes of a channel's weights, with which the sums of products with bytes stay below 2^24, where
  /// floats are exact.
  package static let largestWeightSum = (1 << 24) / 255

  /// - Parameters:
  ///   - shape: one with as many groups as inputs and outputs.
  ///   - weights: rows of the window's taps.
  ///   - zeros: the bytes that stand for 0 in each channel.
  package init(
    _ shape: ConvolutionShape, weights: IntegerRows, zeros: [Float], output: QuantizedOutput
  ) throws(Failure) {
    let (channels, taps) = (shape.outputs, shape.window.taps)
    guard shape.inputs == shape.groups, channels == shape.groups, zeros.count == channels,
      zeros.allSatisfy({ (0...255).contains($0) }), output.channels == channels
    else {
      throw Failure(.format, "\(shape.groups) groups of \(shape.inputs) to \(channels) channels are not one each")
    }
    let rows = try Buffer<Int16>(count: channels * taps, isBrief: true)
    for first in stride(from: 0, to: channels, by: 16) {
      try weights(first..<min(first + 16, channels), rows.base + first * taps)
    }
    self.weights = try DepthwiseWeights(rows.base, channels: channels, kernel: shape.window.kernel, zeros: zeros)
    border = try SharedBuffer(zeros.map { UInt8($0) }, paddedCount: channels + MapQuantization.padding)
    (self.window, self.output) = (shape.window, output)
  }

  package func plan(_ input: Grid) throws(Failure) -> WindowPlan { try WindowPlan(input, window) }

  package func run(_ plan: WindowPlan, _ memory: LayerMemory) {
    let task = QuantizedDepthwise(
      window: plan.window(memory.inputBytes), weights: weights.pairs.base, border: border.base,
      correction: weights.correction.base, epilogue: output.epilogue(memory))
    withUnsafePointer(to: task) { task in
      memory.workers.run(parts: plan.output.height, context: task) { context, row, _ in
        Kernels.quantized.quantizedDepthwise(
          context.assumingMemoryBound(to: QuantizedDepthwise.self).pointee, outputRows: row..<row &+ 1)
      }
    }
  }
}

/// The weights of a depthwise convolution as ``QuantizedDepthwise`` reads them.
package struct DepthwiseWeights: Sendable {
  package let pairs: SharedBuffer<Int32>
  /// The number that each channel's sum begins with, which takes away the products with the zeros.
  package let correction: SharedBuffer<Int32>

  /// - Parameters:
  ///   - rows: a row of `kernel` x `kernel` integers for each channel. Fails with `.format` when a row's magnitudes add up to more
  ///     than ``QuantizedDepthwiseConvolution/largestWeightSum``.
  ///   - zeros: the bytes that stand for 0 in each channel.
  package init(
    _ rows: UnsafePointer<Int16>, channels: Int, kernel: Int, zeros: [Float]
  ) throws(Failure) {
    let taps = kernel * kernel
    var correction: [Int32] = []
    for channel in 0..<channels {
      let row = UnsafeBufferPointer(start: rows + channel * taps, count: taps)
      guard row.reduce(0, { $0 + Int($1.magnitude) }) <= QuantizedDepthwiseConvolution.largestWeightSum else {
        throw Failure(.format, "a depthwise channel's weights are too large for sums of 24 bits")
      }
      correction.append(Int32(-zeros[channel]) * row.reduce(0) { $0 + Int32($1) })
    }
    self.correction = try SharedBuffer(correction, paddedCount: channels + MapQuantization.padding)
    let groups = (kernel + 1) / 2
    pairs = try SharedBuffer(count: groups * kernel * channels + MapQuantization.padding) { memory in
      for channel in 0..<channels {
        let row = rows + channel * taps
        for ky in 0..<kernel {
          for kx in 0..<kernel {
            let bits = UInt32(UInt16(bitPattern: row[ky * kernel + kx]))
            let place = (ky / 2 * kernel + kx) * channels + channel
            memory[place] |= Int32(bitPattern: ky % 2 == 0 ? bits : bits << 16)
          }
        }
      }
    }
  }
}

/// The maximum over a sliding window of a map of bytes. Its bytes stand for the same values as those of the input.
package struct QuantizedMaxPooling: Operation {
  private let window: SlidingWindow

  package init(_ window: SlidingWindow) { self.window = window }

  package func plan(_ input: Grid) throws(Failure) -> WindowPlan { try WindowPlan(input, window) }

  package func run(_ plan: WindowPlan, _ memory: LayerMemory) {
    withUnsafePointer(to: (window: plan.window(memory.inputBytes), y: memory.outputBytes)) { job in
      memory.workers.run(parts: plan.output.height, context: job) { context, row, _ in
        let job = context.assumingMemoryBound(to: (window: QuantizedWindow, y: UnsafeMutablePointer<UInt8>).self)
        Kernels.quantized.quantizedMaxPooling(job.pointee.window, outputRows: row..<row &+ 1, into: job.pointee.y)
      }
    }
  }
}
