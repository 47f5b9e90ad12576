import Basics
import Kernels

/// A 2-D convolution with scale and bias over position-major maps of any size. Its weights are packed once.
package struct Convolution: Operation {
  private let shape: ConvolutionShape
  private let weights: PackedMatrix
  private let epilogue: Epilogue
  /// The zeros that a tap beyond the border reads.
  private let zeros: SharedFloats

  /// - Parameters:
  ///   - shape: a shape without groups.
  ///   - weights: rows of inputs x taps: PyTorch's `Conv2d.weight`.
  ///   - memory: for the weights; nil for memory of its own.
  package init(
    _ shape: ConvolutionShape, weights: WeightRows, epilogue: Epilogue, in memory: WeightMemory? = nil
  ) throws(Failure) {
    try epilogue.check(outputs: shape.outputs)
    self.shape = shape
    self.epilogue = epilogue
    // A patch is read tap by tap, and a tap is a run of input channels.
    self.weights = try PackedMatrix(
      outputs: shape.outputs, inputs: shape.inputs, taps: shape.window.taps, in: memory, rows: weights)
    self.zeros = try SharedFloats(count: shape.inputs) { _ in }
  }
}

extension Convolution {
  /// The convolution at one input size.
  package struct Plan: OperationPlan {
    package let output: Grid
    fileprivate let kind: Kind

    fileprivate enum Kind {
      /// A 1x1 kernel on every position: the input's positions are the rows of the product.
      case pointwise
      /// Each tap is a run of channels in the input. The table has its offset for each position and tap, -1 for zeros.
      case indirect(Buffer<Int32>)
      /// For few input channels, since runs of these would be too short: in a map with a border a run is a whole row of the kernel.
      case bordered(BorderedMap, Buffer<Int32>)
    }

    /// The bytes of the map with its border.
    package func scratchBytes(workers: Int) -> Int {
      if case .bordered(let map, _) = kind { MemoryLayout<Float>.stride * map.grid.count } else { 0 }
    }

    /// Bytes of the tables.
    package var tableBytes: Int {
      switch kind {
      case .pointwise: 0
      case .indirect(let offsets): offsets.byteCount
      case .bordered(let map, let offsets): map.tableBytes + offsets.byteCount
      }
    }
  }

  /// Maps with fewer channels get a border.
  private static let shortestRun = 16

  package func plan(_ input: Grid) throws(Failure) -> Plan {
    let window = shape.window
    let (rows, columns) = try window.axes(input)
    let output = Grid(height: rows.outputLength, width: columns.outputLength, channels: shape.outputs)
    guard window.kernel > 1 || window.stride > 1 else { return Plan(output: output, kind: .pointwise) }
    guard shape.inputs < Self.shortestRun else {
      return Plan(output: output, kind: .indirect(try Self.offsets(input, rows, columns, kernel: window.kernel)))
    }
    let map = try BorderedMap(input, under: window)
    return Plan(output: output, kind: .bordered(map, try offsets(map.grid, output)))
  }

  /// The offset in floats of each row of the kernel in a map with a border, for each position.
  private func offsets(_ map: Grid, _ output: Grid) throws(Failure) -> Buffer<Int32> {
    let (kernel, stride) = (shape.window.kernel, shape.window.stride)
    let offsets = try Self.table(map, output, taps: kernel)
    for i in 0..<offsets.count {
      let (position, tap) = (i / kernel, i % kernel)
      let (row, column) = (position / output.width * stride + tap, position % output.width * stride)
      offsets.base[i] = Int32((row * map.width + column) * map.channels)
    }
    return offsets
  }

  /// The offset in floats of each tap of each position in the input; -1 for zeros.
  static func offsets(
    _ input: Grid, _ rows: WindowAxis, _ columns: WindowAxis, kernel: Int
  ) throws(Failure) -> Buffer<Int32> {
    let output = Grid(height: rows.outputLength, width: columns.outputLength, channels: 1)
    let offsets = try table(input, output, taps: kernel * kernel)
    var target = offsets.base
    for y in 0..<output.height {
      for x in 0..<output.width {
        for ky in 0..<kernel {
          for kx in 0..<kernel {
            let (row, column) = (rows.sources.base[y * kernel + ky], columns.sources.base[x * kernel + kx])
            target.pointee = row < 0 || column < 0 ? -1 : Int32((row * input.width + column) * input.channels)
            target += 1
          }
        }
      }
    }
    return offsets
  }

  /// Allocates a table. Fails when the offsets would not fit its type.
  private static func table(_ input: Grid, _ output: Grid, taps: Int) throws(Failure) -> Buffer<Int32> {
    guard let count = checkedProduct([output.height, output.width, taps]),
      let last = checkedProduct([input.height, input.width, input.channels]), Int32(exactly: last) != nil
    else { throw Failure(.invalidArgument, "a feature map of \(input.width)x\(input.height) is too large") }
    return try Buffer(count: count)
  }

  package func run(_ plan: Plan, _ memory: LayerMemory) {
    var task = GEMM(
      weights.shape, rows: plan.output.positions, x: memory.input, xStride: shape.inputs, depth: shape.inputs,
      zeros: zeros.base, panels: weights.base, outputs: shape.outputs, scale: epilogue.scale.map { $0.base },
      bias: .shared(epilogue.bias.base), residual: memory.second, activation: epilogue.activation,
      y: memory.output,
      yStride: shape.outputs)
    switch plan.kind {
    case .pointwise: break
    case .indirect(let offsets):
      task.offsets = UnsafePointer(offsets.base)
      task.taps = shape.window.taps
    case .bordered(let map, let offsets):
      map.fill(from: memory.input, into: memory.scratch, memory.workers)
      task.x = UnsafePointer(memory.scratch)
      task.offsets = UnsafePointer(offsets.base)
      task.taps = shape.window.kernel
      task.depth = shape.window.kernel * shape.inputs
    }
    GEMMJob(task, shape: weights.shape, workers: memory.workers.count).run(memory.workers)
  }
}
