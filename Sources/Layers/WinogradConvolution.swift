import Basics
import Execution
import Kernels

/// A 3x3 convolution of stride 1 by Winograd's F(4x4, 3x3), with a quarter of the multiplications. Kernels are stored
/// untransformed, and transformed at every use, some outputs at a time. Transformed ones would take four times the memory, and
/// reading them would take almost as long as transforming them. On whole encoders the rounding error is about that of the plain sum
/// (see the tests).
package struct WinogradConvolution: Operation {
  private let shape: ConvolutionShape
  /// `outputs` x (`inputs` x 9): 9 vectors of a panel's outputs for each input.
  private let weights: PackedMatrix
  private let scale: SharedFloats
  private let epilogue: Epilogue
  private let zeros: SharedFloats

  /// Whether a convolution can be computed this way. Its channels must be multiples of
  /// ``WinogradInput/channelMultiple``, and it must be padded, so that its output is as large as its input.
  package static func suits(_ shape: ConvolutionShape) -> Bool {
    let window = shape.window
    return window.kernel == 3 && window.stride == 1 && window.padding != nil && shape.groups == 1
      && suits(channels: shape.inputs) && suits(channels: shape.outputs)
  }

  private static func suits(channels: Int) -> Bool { channels > 0 && channels % WinogradInput.channelMultiple == 0 }

  /// - Parameters:
  ///   - shape: a shape that ``suits(_:)``.
  ///   - weights: rows of inputs x 3 x 3: PyTorch's `Conv2d.weight`.
  ///   - memory: for the weights; nil for memory of its own.
  package init(
    _ shape: ConvolutionShape, weights: WeightRows, epilogue: Epilogue, in memory: WeightMemory? = nil
  ) throws(Failure) {
    guard Self.suits(shape) else {
      throw Failure(.unsupported, "\(shape.inputs) to \(shape.outputs) channels do not suit Winograd's transforms")
    }
    try epilogue.check(outputs: shape.outputs)
    self.shape = shape
    self.weights = try PackedMatrix(outputs: shape.outputs, inputs: 9 * shape.inputs, in: memory, rows: weights)
    self.scale = try epilogue.filledScale()
    self.epilogue = epilogue
    self.zeros = try SharedFloats(count: max(shape.inputs, shape.outputs)) { _ in }
  }
}

extension WinogradConvolution {
  /// The floats from one matrix to the next: an odd number of cache lines, so that a tile's 36 rows do not all fall
  /// into the same set of the cache.
  private static func matrixStride(_ tiles: Int, _ channels: Int) -> Int {
    let lines = (tiles * channels + 15) / 16
    return 16 * (lines + (lines % 2 == 0 ? 1 : 0))
  }

  /// The convolution at one input size.
  package struct Plan: OperationPlan {
    package let output: Grid
    /// The scratch memory in floats for tiles, and that of each thread for transformed kernels.
    fileprivate let tilesScratchCount: Int
    fileprivate let kernelsScratchCount: Int
    fileprivate let rowSources: Buffer<Int>
    fileprivate let columnSources: Buffer<Int>
    fileprivate let tileRows: Int
    fileprivate let tileColumns: Int
    /// Tiles that are transformed together.
    fileprivate let tilesAtOnce: Int

    package func scratchBytes(workers: Int) -> Int {
      MemoryLayout<Float>.stride * (tilesScratchCount + workers * kernelsScratchCount)
    }

    /// Bytes of the tables.
    package var tableBytes: Int { rowSources.byteCount + columnSources.byteCount }
  }

  /// The most tiles that are transformed together. Their transforms and products of 64 channels stay in a core's second-level
  /// cache.
  private static let mostTiles = 64

  /// Whether a map is large enough for the transforms to pay. With few tiles, transforming the kernels takes as long as fewer
  /// products save.
  package static func suits(height: Int, width: Int) -> Bool { tiles(height) * tiles(width) >= 4 }

  private static func tiles(_ length: Int) -> Int { (length + 3) / 4 }

  package func plan(_ input: Grid) throws(Failure) -> Plan {
    let (inputs, outputs) = (shape.inputs, shape.outputs)
    // With stride 1 TensorFlow's padding is the same as one zero on either side.
    let isReflecting = shape.window.padding == .reflect
    guard !isReflecting || min(input.height, input.width) > 1 else {
      throw Failure(.invalidArgument, "the input is too small: a map of 1 cannot be mirrored by 1")
    }
    let (tileRows, tileColumns) = (Self.tiles(input.height), Self.tiles(input.width))
    let tilesAtOnce = min(tileRows * tileColumns, Self.mostTiles)
    return Plan(
      output: Grid(height: input.height, width: input.width, channels: outputs),
      tilesScratchCount: 36 * (Self.matrixStride(tilesAtOnce, inputs) + Self.matrixStride(tilesAtOnce, outputs)),
      kernelsScratchCount: 6 * WinogradJob.placeStride(inputs: inputs),
      rowSources: try Self.sources(input.height, isReflecting: isReflecting),
      columnSources: try Self.sources(input.width, isReflecting: isReflecting), tileRows: tileRows,
      tileColumns: tileColumns, tilesAtOnce: tilesAtOnce)
  }

  /// The 6 places along one axis that each tile reads, -1 for zeros.
  private static func sources(_ length: Int, isReflecting: Bool) throws(Failure) -> Buffer<Int> {
    let sources = try Buffer<Int>(count: 6 * tiles(length))
    for i in 0..<sources.count {
      let place = 4 * (i / 6) + i % 6 - 1
      let isMirrored = isReflecting && (place == -1 || place == length)
      let mirrored = isMirrored ? (place == -1 ? 1 : length - 2) : -1
      sources.base[i] = (0..<length).contains(place) ? place : mirrored
    }
    return sources
  }

  package func run(_ plan: Plan, _ memory: LayerMemory) {
    let (inputs, outputs) = (shape.inputs, shape.outputs)
    let matrixStride = (
      inputs: Self.matrixStride(plan.tilesAtOnce, inputs), outputs: Self.matrixStride(plan.tilesAtOnce, outputs)
    )
    let products = memory.scratch + 36 &* matrixStride.inputs
    var job = WinogradJob(
      input: WinogradInput(
        x: memory.input, width: plan.output.width, channels: inputs, rowSources: plan.rowSources.base,
        columnSources: plan.columnSources.base, zeros: zeros.base, tileColumns: plan.tileColumns, firstTile: 0,
        transformed: memory.scratch, matrixStride: matrixStride.inputs),
      weights: weights, transformedWeights: memory.scratch + plan.tilesScratchCount,
      transformedWeightsCount: plan.kernelsScratchCount, zeros: zeros.base,
      output: WinogradOutput(
        products: products, matrixStride: matrixStride.outputs, firstTile: 0, tileColumns: plan.tileColumns,
        height: plan.output.height, width: plan.output.width, channels: outputs, scale: scale.base,
        bias: epilogue.bias.base, residual: memory.second, activation: epilogue.activation, y: memory.output),
      tileCount: 0)
    let tileCount = plan.tileRows * plan.tileColumns
    for first in stride(from: 0, to: tileCount, by: plan.tilesAtOnce) {
      job.move(to: first, count: min(plan.tilesAtOnce, tileCount - first))
      job.run(memory.workers)
    }
  }
}

/// Some tiles of a Winograd convolution, computed in three steps that threads share: transform, multiply, transform back.
private struct WinogradJob {
  var input: WinogradInput
  let weights: PackedMatrix
  /// Room for the transformed kernels of each thread.
  let transformedWeights: UnsafeMutablePointer<Float>
  let transformedWeightsCount: Int
  let zeros: UnsafePointer<Float>
  var output: WinogradOutput
  var tileCount: Int

  /// How many tiles a part of a job transforms.
  private static let tilesPerPart = 4
  /// How many panels a thread transforms for one row of places before it multiplies.
  private static let panelsAtOnce = 2

  /// The floats from one place's transformed kernels to the next one's: an odd number of cache lines.
  static func placeStride(inputs: Int) -> Int { (panelsAtOnce &* inputs | 1) &* Kernels.gemmShape.panelWidth }

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
      let pairs = (weights.panelCount + Self.panelsAtOnce - 1) / Self.panelsAtOnce
      workers.run(parts: 6 * pairs, context: job) { context, part, worker in
        context.assumingMemoryBound(to: WinogradJob.self).pointee.multiply(part, worker)
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

  /// Multiplies a pair of panels at a row of places.
  private func multiply(_ part: Int, _ worker: Int) {
    let (inputs, row) = (input.channels, part % 6)
    let first = part / 6 &* Self.panelsAtOnce
    let panels = first..<min(first &+ Self.panelsAtOnce, weights.panelCount)
    let panelWidth = weights.shape.panelWidth
    let (panelCount, outputCount) = (panelWidth &* inputs, panels.count &* panelWidth)
    let placeStride = Self.placeStride(inputs: inputs)
    let transformed = transformedWeights + worker &* transformedWeightsCount
    for panel in panels {
      Kernels.selected.winogradWeights(
        WinogradWeights(
          kernels: weights.base + panel &* 9 &* panelCount, inputs: inputs, row: row,
          transformed: transformed + (panel &- first) &* panelCount, placeStride: placeStride))
    }
    for column in 0..<6 {
      let place = 6 &* row &+ column
      let x = UnsafePointer(input.transformed + place &* input.matrixStride)
      var product = GEMM(
        weights.shape, rows: tileCount, x: x, xStride: inputs, depth: inputs, zeros: x,
        panels: transformed + column &* placeStride, outputs: outputCount, bias: .shared(zeros),
        y: output.products + (place &* output.matrixStride &+ first &* panelWidth), yStride: output.channels)
      // Fetches the next panels' kernels, which are as large as what nine of these thirty-six products use.
      product.next = weights.base + (panels.upperBound &* 9 &+ place / 4 &* panels.count) &* panelCount
      Kernels.selected.gemm(product, rows: 0..<tileCount, panels: 0..<panels.count)
    }
  }
}
