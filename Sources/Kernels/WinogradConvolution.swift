import Basics

/// A 3x3 convolution of stride 1 by Winograd's F(4x4, 3x3): a quarter of the multiplications, at the price of four
/// times the memory for weights. On whole encoders its rounding error is about that of the plain sum (see the tests).
package struct WinogradConvolution: Sendable {
  package let inputs: Int
  package let outputs: Int
  package let activation: Activation
  /// One matrix for each place in a transformed tile.
  private let weights: [PackedWeights]
  private let bias: ConstantFloats
  private let zeros: ConstantFloats

  /// - Parameter weights: `outputs` x `inputs` x 3 x 3: PyTorch's `Conv2d.weight`.
  package init(weights: [Float], bias: [Float], outputs: Int, inputs: Int, activation: Activation) throws(Failure) {
    guard checkedProduct([outputs, inputs, 9]) == weights.count, bias.count == outputs else {
      throw Failure(.format, "the convolution's weights do not have the shape of its layer")
    }
    self.inputs = inputs
    self.outputs = outputs
    self.activation = activation
    let transformed = try weights.withUnsafeBufferPointer { (weights) throws(Failure) in
      try ConstantFloats(count: 36 * outputs * inputs) { memory in
        for kernel in 0..<outputs * inputs {
          Self.transform(weights, at: 9 * kernel) { memory[$0 * outputs * inputs + kernel] = $1 }
        }
      }
    }
    var matrices: [PackedWeights] = []
    for place in 0..<36 {
      let matrix = transformed.base + place * outputs * inputs
      matrices.append(try PackedWeights(outputs: outputs, inputs: inputs) { matrix[$0 * inputs + $1] })
    }
    self.weights = matrices
    self.bias = try ConstantFloats(bias, paddedCount: Product.paddedOutputs(outputs))
    self.zeros = try ConstantFloats(count: Product.paddedOutputs(outputs)) { _ in }
  }

  /// G g G^T of one kernel, in double precision.
  private static func transform(
    _ weights: UnsafeBufferPointer<Float>, at start: Int, _ store: (_ place: Int, _ value: Float) -> Void
  ) {
    func line(_ a: Double, _ b: Double, _ c: Double, _ i: Int) -> Double {
      switch i {
      case 0: a / 4
      case 1: -(a + b + c) / 6
      case 2: -(a - b + c) / 6
      case 3: (a + 2 * b + 4 * c) / 24
      case 4: (a - 2 * b + 4 * c) / 24
      default: c
      }
    }
    func g(_ i: Int) -> Double { Double(weights[start + i]) }
    for i in 0..<6 {
      let row = (line(g(0), g(3), g(6), i), line(g(1), g(4), g(7), i), line(g(2), g(5), g(8), i))
      for j in 0..<6 { store(6 * i + j, Float(line(row.0, row.1, row.2, j))) }
    }
  }
}

extension WinogradConvolution {
  /// The convolution at one input size.
  package struct Plan {
    package let output: Grid
    /// Floats of scratch memory that a run needs, whatever the number of threads.
    package let scratchCount: Int
    fileprivate let rowSources: [Int]
    fileprivate let columnSources: [Int]
    fileprivate let tileRows: Int
    fileprivate let tileColumns: Int
    /// Tiles that are transformed together.
    fileprivate let tilesAtOnce: Int
  }

  /// Whether a map is worth the transforms: on few tiles the larger weights are read for little work.
  package static func suits(height: Int, width: Int) -> Bool { tiles(height) * tiles(width) >= 12 }

  private static func tiles(_ length: Int) -> Int { (length + 3) / 4 }

  /// - Parameter border: of width 1 on every side.
  package func plan(_ input: Grid, isReflecting: Bool) throws(Failure) -> Plan {
    guard !isReflecting || min(input.height, input.width) > 1 else {
      throw Failure(.invalidArgument, "the input is too small: a map of 1 cannot be mirrored by 1")
    }
    let (tileRows, tileColumns) = (Self.tiles(input.height), Self.tiles(input.width))
    let tilesAtOnce = min(tileRows * tileColumns, 192)
    return Plan(
      output: Grid(height: input.height, width: input.width, channels: outputs),
      scratchCount: 36 * tilesAtOnce * (inputs + outputs),
      rowSources: Self.sources(input.height, isReflecting: isReflecting),
      columnSources: Self.sources(input.width, isReflecting: isReflecting), tileRows: tileRows,
      tileColumns: tileColumns, tilesAtOnce: tilesAtOnce)
  }

  /// For each tile the 6 places along one axis that it reads, -1 for zeros.
  private static func sources(_ length: Int, isReflecting: Bool) -> [Int] {
    (0..<tiles(length)).flatMap { tile in
      (0..<6).map { tap in
        let place = 4 * tile + tap - 1
        if (0..<length).contains(place) { return place }
        guard isReflecting, place == -1 || place == length else { return -1 }
        return place == -1 ? 1 : length - 2
      }
    }
  }

  /// output = activation(convolution(input) + residual); the residual has the output's size.
  package func run(
    _ input: UnsafePointer<Float>, _ plan: Plan, residual: UnsafePointer<Float>?,
    into output: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>, workers: Workers
  ) {
    plan.rowSources.withUnsafeBufferPointer { rows in
      plan.columnSources.withUnsafeBufferPointer { columns in
        weights.withUnsafeBufferPointer { weights in
          guard let rows = rows.baseAddress, let columns = columns.baseAddress else { return }
          let products = scratch + 36 * plan.tilesAtOnce * inputs
          var job = WinogradJob(
            input: WinogradInput(
              x: input, width: plan.output.width, channels: inputs, rowSources: rows, columnSources: columns,
              tileColumns: plan.tileColumns, firstTile: 0, transformed: scratch,
              matrixStride: plan.tilesAtOnce * inputs),
            weights: weights, zeros: zeros.base,
            output: WinogradOutput(
              products: products, matrixStride: plan.tilesAtOnce * outputs, firstTile: 0,
              tileColumns: plan.tileColumns, height: plan.output.height, width: plan.output.width, channels: outputs,
              bias: bias.base, residual: residual, activation: activation, y: output),
            products: products, tileCount: 0)
          let tileCount = plan.tileRows * plan.tileColumns
          for first in stride(from: 0, to: tileCount, by: plan.tilesAtOnce) {
            job.move(to: first, count: min(plan.tilesAtOnce, tileCount - first))
            job.run(workers)
          }
        }
      }
    }
  }
}

/// Some tiles of a Winograd convolution, in three steps that threads share: transform, multiply, transform back.
private struct WinogradJob {
  var input: WinogradInput
  let weights: UnsafeBufferPointer<PackedWeights>
  let zeros: UnsafePointer<Float>
  var output: WinogradOutput
  let products: UnsafeMutablePointer<Float>
  var tileCount: Int

  /// Tiles that a thread transforms at once.
  private static let tilesPerPart = 4

  mutating func move(to tile: Int, count: Int) {
    input.firstTile = tile
    output.firstTile = tile
    tileCount = count
  }

  func run(_ workers: Workers) {
    withUnsafePointer(to: self) { job in
      let parts = (tileCount + Self.tilesPerPart - 1) / Self.tilesPerPart
      workers.run(parts: parts, context: job) { context, part, _ in
        let job = context.assumingMemoryBound(to: WinogradJob.self)
        Kernels.selected.winogradInput(job.pointee.input, tiles: job.pointee.tiles(part))
      }
      workers.run(parts: weights.count, context: job) { context, place, _ in
        context.assumingMemoryBound(to: WinogradJob.self).pointee.multiply(place)
      }
      workers.run(parts: parts, context: job) { context, part, _ in
        let job = context.assumingMemoryBound(to: WinogradJob.self)
        Kernels.selected.winogradOutput(job.pointee.output, tiles: job.pointee.tiles(part))
      }
    }
  }

  private func tiles(_ part: Int) -> Range<Int> {
    let first = part &* Self.tilesPerPart
    return first..<min(first &+ Self.tilesPerPart, tileCount)
  }

  private func multiply(_ place: Int) {
    let matrix = weights[place]
    let x = UnsafePointer(input.transformed + place &* input.matrixStride)
    let product = Product(
      rows: tileCount, x: x, xStride: matrix.inputs, depth: matrix.inputs, zeros: x, panels: matrix.base,
      outputs: matrix.outputs, bias: .shared(zeros), residual: nil, activation: .identity,
      y: products + place &* output.matrixStride, yStride: matrix.outputs)
    Kernels.selected.product(product, rows: 0..<tileCount, panels: 0..<matrix.panelCount)
  }
}
