import Basics

/// A 2-D convolution with bias over position-major maps, weights prepared once, any input size.
package struct Convolution: Sendable {
  package let inputs: Int
  package let outputs: Int
  package let kernel: Int
  package let stride: Int
  package let activation: Activation
  private let linear: LinearMap
  private let bias: ConstantFloats

  /// - Parameter weights: `outputs` x `inputs` x `kernel` x `kernel`: PyTorch's `Conv2d.weight`.
  package init(
    weights: [Float], bias: [Float], outputs: Int, inputs: Int, kernel: Int, stride: Int, activation: Activation
  ) throws(Failure) {
    guard checkedProduct([outputs, inputs, kernel, kernel]) == weights.count, bias.count == outputs else {
      throw Failure(.format, "the convolution's weights do not have the shape of its layer")
    }
    self.inputs = inputs
    self.outputs = outputs
    self.kernel = kernel
    self.stride = stride
    self.activation = activation
    // A patch is gathered position by position, so its weights go (output, ky, kx, input).
    let taps = kernel * kernel
    var patchMajor = [Float](repeating: 0, count: weights.count)
    for output in 0..<outputs {
      for input in 0..<inputs {
        for tap in 0..<taps {
          patchMajor[(output * taps + tap) * inputs + input] = weights[(output * inputs + input) * taps + tap]
        }
      }
    }
    self.linear = try LinearMap(weights: patchMajor, outputs: outputs, inputs: taps * inputs)
    self.bias = try ConstantFloats(bias)
  }
}

extension Convolution {
  /// The convolution at one input size.
  package struct Plan {
    package let output: Grid
    /// Floats of scratch memory that ``Convolution/run(_:_:residual:into:scratch:)`` needs.
    package let scratchCount: Int
    fileprivate let input: Grid
    fileprivate let rows: WindowAxis
    fileprivate let columns: WindowAxis
    /// The input's positions are the patches: a 1x1 kernel on every position.
    fileprivate let isPointwise: Bool
  }

  package func plan(_ input: Grid, rowBorder: Border, columnBorder: Border) throws(Failure) -> Plan {
    let rows = try WindowAxis(length: input.height, kernel: kernel, stride: stride, border: rowBorder)
    let columns = try WindowAxis(length: input.width, kernel: kernel, stride: stride, border: columnBorder)
    let isPointwise = kernel == 1 && stride == 1
    return Plan(
      output: Grid(height: rows.outputLength, width: columns.outputLength, channels: outputs),
      scratchCount: isPointwise ? 0 : Self.patchesAtOnce * kernel * kernel * inputs,
      input: input, rows: rows, columns: columns, isPointwise: isPointwise)
  }

  /// output = activation(convolution(input) + residual); the residual has the output's size.
  package func run(
    _ input: UnsafePointer<Float>, _ plan: Plan, residual: UnsafePointer<Float>?,
    into output: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>
  ) {
    guard !plan.isPointwise else {
      linear.apply(
        input, xStride: inputs, count: plan.output.positions, bias: .shared(bias.base), residual: residual,
        activation: activation, into: output, yStride: outputs)
      return
    }
    var first = 0
    while first < plan.output.positions {
      let count = min(Self.patchesAtOnce, plan.output.positions &- first)
      for patch in 0..<count {
        gather(input, plan, position: first &+ patch, into: scratch + patch &* linear.inputs)
      }
      linear.apply(
        scratch, xStride: linear.inputs, count: count, bias: .shared(bias.base),
        residual: residual.map { $0 + first &* outputs }, activation: activation, into: output + first &* outputs,
        yStride: outputs)
      first &+= count
    }
  }

  /// Bounds the memory for patches: 256 of them of a 3x3 kernel over 512 channels take 4.5 MB.
  private static let patchesAtOnce = 256

  @inline(__always)
  private func gather(
    _ input: UnsafePointer<Float>, _ plan: Plan, position: Int, into patch: UnsafeMutablePointer<Float>
  ) {
    let row = position / plan.output.width &* kernel
    let column = position % plan.output.width &* kernel
    var target = patch
    for ky in 0..<kernel {
      let y = plan.rows.sources[row &+ ky]
      for kx in 0..<kernel {
        let x = plan.columns.sources[column &+ kx]
        if y >= 0, x >= 0 {
          target.update(from: input + (y &* plan.input.width &+ x) &* inputs, count: inputs)
        } else {
          target.update(repeating: 0, count: inputs)
        }
        target += inputs
      }
    }
  }
}
