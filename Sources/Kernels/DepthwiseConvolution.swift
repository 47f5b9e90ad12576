import Basics

/// A 2-D convolution of each channel with a kernel of its own, with bias, over position-major maps.
package struct DepthwiseConvolution: Sendable {
  package let channels: Int
  package let kernel: Int
  package let stride: Int
  package let activation: Activation
  /// One row of channels per tap.
  private let weights: ConstantFloats
  private let bias: ConstantFloats

  /// - Parameter weights: `channels` x 1 x `kernel` x `kernel`: PyTorch's `Conv2d.weight` with groups = channels.
  package init(
    weights: [Float], bias: [Float], channels: Int, kernel: Int, stride: Int, activation: Activation
  ) throws(Failure) {
    guard checkedProduct([channels, kernel, kernel]) == weights.count, bias.count == channels else {
      throw Failure(.format, "the convolution's weights do not have the shape of its layer")
    }
    self.channels = channels
    self.kernel = kernel
    self.stride = stride
    self.activation = activation
    let taps = kernel * kernel
    var tapMajor = [Float](repeating: 0, count: weights.count)
    for channel in 0..<channels {
      for tap in 0..<taps { tapMajor[tap * channels + channel] = weights[channel * taps + tap] }
    }
    self.weights = try ConstantFloats(tapMajor)
    self.bias = try ConstantFloats(bias)
  }
}

extension DepthwiseConvolution {
  /// The convolution at one input size.
  package struct Plan {
    package let output: Grid
    fileprivate let input: Grid
    fileprivate let rows: WindowAxis
    fileprivate let columns: WindowAxis
  }

  package func plan(_ input: Grid, rowBorder: Border, columnBorder: Border) throws(Failure) -> Plan {
    let rows = try WindowAxis(length: input.height, kernel: kernel, stride: stride, border: rowBorder)
    let columns = try WindowAxis(length: input.width, kernel: kernel, stride: stride, border: columnBorder)
    return Plan(
      output: Grid(height: rows.outputLength, width: columns.outputLength, channels: channels), input: input,
      rows: rows, columns: columns)
  }

  package func run(_ input: UnsafePointer<Float>, _ plan: Plan, into output: UnsafeMutablePointer<Float>) {
    plan.rows.sources.withUnsafeBufferPointer { rows in
      plan.columns.sources.withUnsafeBufferPointer { columns in
        for y in 0..<plan.output.height {
          for x in 0..<plan.output.width {
            position(
              input, width: plan.input.width, rows: rows, firstRow: y &* kernel, columns: columns,
              firstColumn: x &* kernel, into: output + (y &* plan.output.width &+ x) &* channels)
          }
        }
      }
    }
  }

  @inline(__always)
  private func position(
    _ input: UnsafePointer<Float>, width: Int, rows: UnsafeBufferPointer<Int>, firstRow: Int,
    columns: UnsafeBufferPointer<Int>, firstColumn: Int, into output: UnsafeMutablePointer<Float>
  ) {
    VectorMath.forEachVector(count: channels) { start, length in
      var sum = VectorMath.load(bias.base + start, length)
      for ky in 0..<kernel {
        let row = rows[firstRow &+ ky]
        if row < 0 { continue }
        for kx in 0..<kernel {
          let column = columns[firstColumn &+ kx]
          if column < 0 { continue }
          let values = VectorMath.load(input + ((row &* width &+ column) &* channels &+ start), length)
          sum += values * VectorMath.load(weights.base + ((ky &* kernel &+ kx) &* channels &+ start), length)
        }
      }
      VectorMath.store(sum, to: output + start, length)
    }
    activation.apply(output, count: channels)
  }
}
