import Basics
import Kernels

/// An encoder's first layer: a convolution over 8-bit RGB pixels as they come from the resize, with weights of 16 bits. The
/// normalisation of pixels is part of weights and offsets.
package struct PixelConvolution: Operation {
  private let shape: ConvolutionShape
  private let weights: [QuantizedMatrix]
  private let correction: SharedBuffer<Int32>
  /// A pixel beyond the border: the one that normalisation makes 0, as nearly as bytes can.
  private let border: [UInt8]
  private let output: QuantizedOutput

  /// The bytes of a pixel in the map with its border: R, G, B and 0.
  private static let channels = 4

  /// - Parameter weights: rows of integers, 3 x taps.
  package init(
    _ shape: ConvolutionShape, weights: IntegerRows, border: [Float], output: QuantizedOutput
  ) throws(Failure) {
    guard shape.inputs == 3, shape.groups == 1, border.count == 3, output.channels == shape.outputs,
      border.allSatisfy({ $0 >= 0 && $0 <= 255 && $0 == $0.rounded() })
    else { throw Failure(.format, "the first layer does not suit pixels of 8 bits") }
    let matrix = try QuantizedMatrix(
      outputs: shape.outputs, inputs: 3, taps: shape.window.taps, zeros: [0, 0, 0], weights: .int16, rows: weights)
    (self.shape, self.weights, self.output) = (shape, [matrix], output)
    correction = try SharedBuffer(matrix.correction)
    self.border = border.map { UInt8($0) }
  }
}

extension PixelConvolution {
  /// The convolution at one input size.
  package struct Plan: OperationPlan {
    package let output: Grid
    fileprivate let inputWidth: Int
    fileprivate let rows: WindowAxis
    fileprivate let columns: WindowAxis
    /// Where each row of the kernel begins in the map with its border, for each position.
    fileprivate let offsets: Buffer<Int32>

    /// The memory of the map with its border.
    package func scratchBytes(workers: Int) -> Int { rows.outputLength * lineLength }
    package var tableBytes: Int { offsets.byteCount + rows.sources.byteCount + columns.sources.byteCount }
    fileprivate var lineLength: Int { columns.outputLength * PixelConvolution.channels }
  }

  package func plan(_ input: Grid) throws(Failure) -> Plan {
    let window = shape.window
    let axes = try window.axes(input)
    let output = Grid(
      height: axes.rows.outputLength, width: axes.columns.outputLength, channels: shape.outputs)
    let (rows, columns) = (try window.borderedAxis(input.height), try window.borderedAxis(input.width))
    let lineLength = columns.outputLength * Self.channels
    guard let count = checkedProduct([output.positions, window.kernel]),
      let last = checkedProduct([rows.outputLength, lineLength]), Int32(exactly: last) != nil
    else { throw Failure(.invalidArgument, "a picture of \(input.width)x\(input.height) is too large") }
    let offsets = try Buffer<Int32>(count: count)
    for i in 0..<count {
      let (position, tap) = (i / window.kernel, i % window.kernel)
      let row = position / output.width * window.stride + tap
      let column = position % output.width * window.stride
      offsets.base[i] = Int32(row * lineLength + column * Self.channels)
    }
    return Plan(output: output, inputWidth: input.width, rows: rows, columns: columns, offsets: offsets)
  }

  package func run(_ plan: Plan, _ memory: LayerMemory) {
    let bordered = UnsafeMutableRawPointer(memory.scratch).assumingMemoryBound(to: UInt8.self)
    withUnsafePointer(to: (layer: self, plan: plan, pixels: memory.inputBytes, bordered: bordered)) { job in
      memory.workers.run(parts: plan.rows.outputLength, context: job) { context, row, _ in
        typealias Job = (
          layer: PixelConvolution, plan: Plan, pixels: UnsafePointer<UInt8>, bordered: UnsafeMutablePointer<UInt8>
        )
        let job = context.assumingMemoryBound(to: Job.self)
        job.pointee.layer.fill(row, job.pointee.plan, from: job.pointee.pixels, into: job.pointee.bordered)
      }
    }
    weights.withUnsafeBufferPointer { weights in
      guard let first = weights.first else { return }
      let task = QuantizedGEMM(
        rows: plan.output.positions, x: bordered, xStride: 0, offsets: plan.offsets.base, taps: shape.window.kernel,
        depth: shape.window.kernel * Self.channels, border: bordered, panels: first.base, isWide: first.isWide,
        outputs: shape.outputs, correction: correction.base, epilogue: output.epilogue(memory), yStride: shape.outputs)
      QuantizedJob(task, groups: weights, workers: memory.workers.count).run(memory.workers)
    }
  }

  /// Writes a row of the map with its border.
  private func fill(
    _ row: Int, _ plan: Plan, from pixels: UnsafePointer<UInt8>, into bordered: UnsafeMutablePointer<UInt8>
  ) {
    let target = UnsafeMutableRawPointer(bordered + row &* plan.lineLength).assumingMemoryBound(to: UInt32.self)
    let outside = UInt32(border[0]) | UInt32(border[1]) << 8 | UInt32(border[2]) << 16
    let source = plan.rows.sources.base[row]
    let line = pixels + 3 &* max(source, 0) &* plan.inputWidth
    for column in 0..<plan.columns.outputLength {
      let place = plan.columns.sources.base[column]
      let pixel = line + 3 &* max(place, 0)
      target[column] =
        source < 0 || place < 0
        ? outside : UInt32(pixel[0]) | UInt32(pixel[1]) << 8 | UInt32(pixel[2]) << 16
    }
  }
}
