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

  /// Whether channels can be transformed: see ``WinogradInput/channelMultiple``.
  package static func suits(channels: Int) -> Bool { channels > 0 && channels % WinogradInput.channelMultiple == 0 }

  /// - Parameters:
  ///   - weights: `outputs` x `inputs` x 3 x 3: PyTorch's `Conv2d.weight`.
  ///   - outputs: like `inputs` a number that suits.
  package init(weights: [Float], bias: [Float], outputs: Int, inputs: Int, activation: Activation) throws(Failure) {
    guard Self.suits(channels: inputs), Self.suits(channels: outputs) else {
      throw Failure(.unsupported, "\(inputs) to \(outputs) channels do not suit Winograd's transforms")
    }
    guard checkedProduct([outputs, inputs, 9]) == weights.count, bias.count == outputs else {
      throw Failure(.format, "the convolution's weights do not have the shape of its layer")
    }
    self.inputs = inputs
    self.outputs = outputs
    self.activation = activation
    self.weights = try weights.withUnsafeBufferPointer { (weights) throws(Failure) in
      try PackedWeights.matrices(36, outputs: outputs, inputs: inputs) { memory, matrixStride in
        Self.transform(weights, outputs: outputs, inputs: inputs, into: memory, matrixStride: matrixStride)
      }
    }
    self.bias = try ConstantFloats(bias, paddedCount: Product.paddedOutputs(outputs))
    self.zeros = try ConstantFloats(count: max(inputs, outputs)) { _ in }
  }

  /// G g G^T of all kernels, in double precision, four outputs at a time, each place into its own matrix of panels.
  private static func transform(
    _ weights: UnsafeBufferPointer<Float>, outputs: Int, inputs: Int, into memory: UnsafeMutablePointer<Float>,
    matrixStride: Int
  ) {
    for first in stride(from: 0, to: outputs, by: 4) {
      let panel = first / Product.panelWidth * Product.panelWidth
      let width = PackedWeights.width(ofPanelAt: panel, outputs: outputs)
      for input in 0..<inputs {
        func g(_ tap: Int) -> SIMD4<Double> {
          var values = SIMD4<Double>()
          for i in 0..<min(4, outputs &- first) {
            values[i] = Double(weights[9 &* ((first &+ i) &* inputs &+ input) &+ tap])
          }
          return values
        }
        let target = UnsafeMutableRawPointer(memory + (panel &* inputs &+ input &* width &+ first &- panel))
        func store(_ row: Int, _ a: SIMD4<Double>, _ b: SIMD4<Double>, _ c: SIMD4<Double>) {
          let values = line(a, b, c)
          func store(_ column: Int, _ value: SIMD4<Double>) {
            (target + 4 &* (6 &* row &+ column) &* matrixStride).storeBytes(
              of: SIMD4<Float>(value), as: SIMD4<Float>.self)
          }
          store(0, values.0)
          store(1, values.1)
          store(2, values.2)
          store(3, values.3)
          store(4, values.4)
          store(5, values.5)
        }
        let (a, b, c) = (line(g(0), g(3), g(6)), line(g(1), g(4), g(7)), line(g(2), g(5), g(8)))
        store(0, a.0, b.0, c.0)
        store(1, a.1, b.1, c.1)
        store(2, a.2, b.2, c.2)
        store(3, a.3, b.3, c.3)
        store(4, a.4, b.4, c.4)
        store(5, a.5, b.5, c.5)
      }
    }
  }

  private typealias Line = (
    SIMD4<Double>, SIMD4<Double>, SIMD4<Double>, SIMD4<Double>, SIMD4<Double>, SIMD4<Double>
  )

  /// G times one column of a kernel.
  private static func line(_ a: SIMD4<Double>, _ b: SIMD4<Double>, _ c: SIMD4<Double>) -> Line {
    let (b2, c4) = (2 * b, 4 * c)
    return (a / 4, -(a + b + c) / 6, -(a - b + c) / 6, (a + b2 + c4) / 24, (a - b2 + c4) / 24, c)
  }
}

extension WinogradConvolution {
  /// Floats between two matrices: an odd number of cache lines, so that a tile's 36 rows do not all fall into the same
  /// set of the cache.
  private static func matrixStride(_ tiles: Int, _ channels: Int) -> Int {
    let lines = (tiles * channels + 15) / 16
    return 16 * (lines + (lines % 2 == 0 ? 1 : 0))
  }

  /// The convolution at one input size.
  package struct Plan {
    package let output: Grid
    /// Floats of scratch memory that a run needs, whatever the number of threads.
    package let scratchCount: Int
    fileprivate let rowSources: Buffer<Int>
    fileprivate let columnSources: Buffer<Int>
    fileprivate let tileRows: Int
    fileprivate let tileColumns: Int
    /// Tiles that are transformed together.
    fileprivate let tilesAtOnce: Int

    /// Bytes of the tables.
    package var tableBytes: Int { rowSources.byteCount + columnSources.byteCount }
  }

  /// Tiles that are transformed together: their transforms and products of 64 channels stay in a core's second-level
  /// cache.
  private static let mostTiles = 64

  /// Whether a map is worth the transforms: on few tiles the larger weights are read for little work.
  package static func suits(height: Int, width: Int) -> Bool { tiles(height) * tiles(width) >= 12 }

  private static func tiles(_ length: Int) -> Int { (length + 3) / 4 }

  /// - Parameter border: of width 1 on every side.
  package func plan(_ input: Grid, isReflecting: Bool) throws(Failure) -> Plan {
    guard !isReflecting || min(input.height, input.width) > 1 else {
      throw Failure(.invalidArgument, "the input is too small: a map of 1 cannot be mirrored by 1")
    }
    let (tileRows, tileColumns) = (Self.tiles(input.height), Self.tiles(input.width))
    let tilesAtOnce = min(tileRows * tileColumns, Self.mostTiles)
    return Plan(
      output: Grid(height: input.height, width: input.width, channels: outputs),
      scratchCount: 36 * (Self.matrixStride(tilesAtOnce, inputs) + Self.matrixStride(tilesAtOnce, outputs)),
      rowSources: try Self.sources(input.height, isReflecting: isReflecting),
      columnSources: try Self.sources(input.width, isReflecting: isReflecting), tileRows: tileRows,
      tileColumns: tileColumns, tilesAtOnce: tilesAtOnce)
  }

  /// For each tile the 6 places along one axis that it reads, -1 for zeros.
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

  /// output = activation(convolution(input) + residual); the residual has the output's size.
  package func run(
    _ input: UnsafePointer<Float>, _ plan: Plan, residual: UnsafePointer<Float>?,
    into output: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>, workers: Workers
  ) {
    let matrixStride = (
      inputs: Self.matrixStride(plan.tilesAtOnce, inputs), outputs: Self.matrixStride(plan.tilesAtOnce, outputs)
    )
    let products = scratch + 36 &* matrixStride.inputs
    weights.withUnsafeBufferPointer { weights in
      var job = WinogradJob(
        input: WinogradInput(
          x: input, width: plan.output.width, channels: inputs, rowSources: plan.rowSources.base,
          columnSources: plan.columnSources.base, zeros: zeros.base, tileColumns: plan.tileColumns, firstTile: 0,
          transformed: scratch, matrixStride: matrixStride.inputs),
        weights: weights, zeros: zeros.base,
        output: WinogradOutput(
          products: products, matrixStride: matrixStride.outputs, firstTile: 0, tileColumns: plan.tileColumns,
          height: plan.output.height, width: plan.output.width, channels: outputs, bias: bias.base, residual: residual,
          activation: activation, y: output),
        tileCount: 0)
      let tileCount = plan.tileRows * plan.tileColumns
      for first in stride(from: 0, to: tileCount, by: plan.tilesAtOnce) {
        job.move(to: first, count: min(plan.tilesAtOnce, tileCount - first))
        job.run(workers)
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
      y: output.products + place &* output.matrixStride, yStride: matrix.outputs)
    Kernels.selected.product(product, rows: 0..<tileCount, panels: 0..<matrix.panelCount)
  }
}
