import Basics
import Execution
import Kernels
import Layers

/// A linear layer of a coupling block: y = W x + bias, with W packed once.
protocol FlowLayer: Sendable {
  /// The kernels for the parts of a flow that stay float32 beside such layers: fast ones, or those that round alike everywhere.
  static var arithmetic: Arithmetic { get }
  /// How many outputs the initialiser asks for at a time, at most.
  static var panelWidth: Int { get }
  /// How long the vectors of a ``RowBias`` are.
  static func paddedOutputs(_ outputs: Int) -> Int
  var inputs: Int { get }
  var outputs: Int { get }
  /// y = activation(bias + W x) for `count` rows.
  ///
  /// - Parameters:
  ///   - bias: replaces the layer's own bias.
  ///   - scratch: for layers that quantize rows.
  ///   - y: rows of ``paddedOutputs(_:)`` floats; must not overlap x.
  func apply(
    _ x: UnsafePointer<Float>, xStride: Int, count: Int, bias: RowBias?, activation: Activation,
    scratch: DynamicLinear.Scratch, into y: UnsafeMutablePointer<Float>, yStride: Int)
}

extension Linear: FlowLayer {
  static var arithmetic: Arithmetic { .fast }
  static var panelWidth: Int { Kernels.gemmShape.panelWidth }
  static func paddedOutputs(_ outputs: Int) -> Int { Kernels.gemmShape.paddedOutputs(outputs) }

  func apply(
    _ x: UnsafePointer<Float>, xStride: Int, count: Int, bias: RowBias?, activation: Activation,
    scratch: DynamicLinear.Scratch, into y: UnsafeMutablePointer<Float>, yStride: Int
  ) {
    apply(x, xStride: xStride, count: count, bias: bias, activation: activation, into: y, yStride: yStride)
  }
}

extension DynamicLinear: FlowLayer {
  static var arithmetic: Arithmetic { .exact }
}

/// The coupling blocks of a flow.
enum CouplingBlocks: Sendable {
  case float32([CouplingBlock<Linear>])
  case int8([CouplingBlock<DynamicLinear>])

  /// - Parameter workers: prepare the blocks, each worker one at a time.
  init(
    _ weights: StateDictionary, _ description: FlowDescription, grid: Grid, encoding: SharedFloats,
    precision: Precision, memory: WeightMemory, workers: Workers
  ) throws(Failure) {
    switch precision {
    case .float32:
      self = .float32(
        try workers.map(description.blockCount) { (index) throws(Failure) in
          try CouplingBlock(weights, block: index, description, grid: grid, encoding: encoding, memory: memory)
        })
    case .int8:
      self = .int8(
        try workers.map(description.blockCount) { (index) throws(Failure) in
          try CouplingBlock(
            quantizing: weights, block: index, description, grid: grid, encoding: encoding, memory: memory)
        })
    }
  }

  /// sum(ln g) of each block.
  var logScales: [Double] {
    switch self {
    case .float32(let blocks): blocks.map(\.logScale)
    case .int8(let blocks): blocks.map(\.logScale)
    }
  }

  /// The last block's global affine if its mixing is left out.
  var lastAffine: (scale: SharedFloats, offset: SharedFloats)? {
    switch self {
    case .float32(let blocks): blocks.last?.lastAffine
    case .int8(let blocks): blocks.last?.lastAffine
    }
  }

  /// H, the hidden units of each subnet; 0 without blocks.
  var hidden: Int {
    switch self {
    case .float32(let blocks): blocks.first?.layer1.outputs ?? 0
    case .int8(let blocks): blocks.first?.layer1.outputs ?? 0
    }
  }
}
