import Basics
import Kernels

/// How a convolution with a centred kernel sees beyond the border.
struct CentredKernel {
  let padding: Padding
  let kernel: Int
  let stride: Int

  /// The borders of a map's rows and columns.
  func borders(_ input: Grid) -> (rows: Border, columns: Border) { (border(input.height), border(input.width)) }

  private func border(_ length: Int) -> Border {
    let margin = (kernel - 1) / 2
    switch padding {
    case .reflect: return kernel == 1 ? .zeros(before: 0, after: 0) : .reflect(margin: margin)
    case .zeros: return .zeros(before: margin, after: margin)
    case .same: return .same(length: length, kernel: kernel, stride: stride)
    }
  }
}

/// A convolution with the encoder's padding; the second operand is added before the activation.
struct PaddedConvolution: Operation {
  let convolution: Convolution
  let padding: Padding

  func plan(_ input: Grid, second: Grid?) throws(Failure) -> Convolution.Plan {
    let window = CentredKernel(padding: padding, kernel: convolution.kernel, stride: convolution.stride)
    let borders = window.borders(input)
    return try convolution.plan(input, rowBorder: borders.rows, columnBorder: borders.columns)
  }

  func run(_ plan: Convolution.Plan, _ memory: LayerMemory) {
    convolution.run(
      memory.input, plan, residual: memory.second, into: memory.output, scratch: memory.scratch,
      workers: memory.workers)
  }
}

extension Convolution.Plan: OperationPlan {
  func scratchCount(workers: Int) -> Int { scratchCount }
}

/// A 3x3 convolution of stride 1 by Winograd's algorithm; the second operand is added before the activation.
struct PaddedWinogradConvolution: Operation {
  let convolution: WinogradConvolution
  let padding: Padding

  func plan(_ input: Grid, second: Grid?) throws(Failure) -> WinogradConvolution.Plan {
    // With stride 1 TensorFlow's padding is one zero on either side.
    try convolution.plan(input, isReflecting: padding == .reflect)
  }

  func run(_ plan: WinogradConvolution.Plan, _ memory: LayerMemory) {
    convolution.run(
      memory.input, plan, residual: memory.second, into: memory.output, scratch: memory.scratch,
      workers: memory.workers)
  }
}

extension WinogradConvolution.Plan: OperationPlan {}

/// A convolution in groups with the encoder's padding.
struct PaddedGroupedConvolution: Operation {
  let convolution: GroupedConvolution
  let padding: Padding

  func plan(_ input: Grid, second: Grid?) throws(Failure) -> GroupedConvolution.Plan {
    let window = CentredKernel(padding: padding, kernel: convolution.kernel, stride: convolution.stride)
    let borders = window.borders(input)
    return try convolution.plan(input, rowBorder: borders.rows, columnBorder: borders.columns)
  }

  func run(_ plan: GroupedConvolution.Plan, _ memory: LayerMemory) {
    convolution.run(memory.input, plan, into: memory.output, workers: memory.workers)
  }
}

extension GroupedConvolution.Plan: OperationPlan {}

/// A depthwise convolution with the encoder's padding.
struct PaddedDepthwiseConvolution: Operation {
  let convolution: DepthwiseConvolution
  let padding: Padding

  func plan(_ input: Grid, second: Grid?) throws(Failure) -> WindowPlan {
    let window = CentredKernel(padding: padding, kernel: convolution.kernel, stride: convolution.stride)
    let borders = window.borders(input)
    return try convolution.plan(input, rowBorder: borders.rows, columnBorder: borders.columns)
  }

  func run(_ plan: WindowPlan, _ memory: LayerMemory) {
    convolution.run(memory.input, plan, into: memory.output, workers: memory.workers)
  }
}

extension WindowPlan: OperationPlan {}
