import Basics
import Kernels

/// An encoder's first layer: a convolution over 8-bit RGB pixels as they come from the resize, with weights of 16 bits. The
/// normalisation of pixels is part of weights and offsets.
package struct PixelConvolution: Operation {
  private let shape: ConvolutionShape
  private let weights: [QuantizedMatrix]
  private let correction: SharedBuffer<Int32>
  /// A pixel beyond the border: the one that normalisation makes 0, as nearly as bytes can.
  private let border: SharedBuffer<UInt8>
  private let output: QuantizedOutput

  private static let channels = 3

  /// - Parameter weights: rows of integers, 3 x taps.
  package init(
    _ shape: ConvolutionShape, weights: @escaping IntegerRows, border: [Float], output: QuantizedOutput
  ) throws(Failure) {
    guard shape.inputs == 3, shape.groups == 1, border.count == 3, output.channels == shape.outputs,
      border.allSatisfy({ $0 >= 0 && $0 <= 255 && $0 == $0.rounded() })
    else { throw Failure(.format, "the first layer does not suit pixels of 8 bits") }
    // The pixels under a row of the kernel lie one behind the other: for the product they are the inputs of one tap.
    let kernel = shape.window.kernel
    let inputs = kernel * Self.channels
    let matrix = try QuantizedMatrix(
      outputs: shape.outputs, inputs: inputs, taps: kernel, zeros: [Float](repeating: 0, count: inputs),
      weights: .int16, rows: Self.rowsOfPixels(weights, kernel: kernel))
    (self.shape, self.weights, self.output) = (shape, [matrix], output)
    correction = try SharedBuffer(matrix.correction)
    self.border = try SharedBuffer(border.map { UInt8($0) })
  }

  /// Weights of channel, row and column in the order of column, channel and row.
  private static func rowsOfPixels(_ weights: @escaping IntegerRows, kernel: Int) -> IntegerRows {
    let taps = kernel * kernel
    return { (outputs, rows) throws(Failure) in
      let given = try Buffer<Int16>(count: outputs.count * channels * taps, isBrief: true)
      try weights(outputs, given.base)
      var target = rows
      for output in 0..<outputs.count {
        for column in 0..<kernel {
          for channel in 0..<channels {
            for row in 0..<kernel {
              target.pointee = given.base[(output * channels + channel) * taps + row * kernel + column]
              target += 1
            }
          }
        }
      }
    }
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

    /// The memory of the map with its border, and of up to three bytes behind it: the inputs of a row of the kernel are rounded up to a
    /// multiple of four, with weights of 0.
    package func scratchBytes(workers: Int) -> Int { rows.outputLength * lineLength + 3 }
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
    let bordering = Bordering(
      pixels: memory.inputBytes, width: plan.inputWidth, border: border.base, rowSources: plan.rows.sources.base,
      columnSources: plan.columns.sources.base, columnCount: plan.columns.outputLength,
      interior: plan.columns.interior, bordered: bordered)
    withUnsafePointer(to: bordering) { job in
      memory.workers.run(parts: plan.rows.outputLength, context: job) { context, row, _ in
        context.assumingMemoryBound(to: Bordering.self).pointee.fill(row)
      }
    }
    weights.withUnsafeBufferPointer { weights in
      guard let first = weights.first else { return }
      let task = QuantizedGEMM(
        rows: plan.output.positions, x: bordered, xStride: 0, offsets: plan.offsets.base, taps: shape.window.kernel,
        depth: first.depth, border: bordered, panels: first.base, isWide: first.isWide,
        outputs: shape.outputs, correction: correction.base, epilogue: output.epilogue(memory), yStride: shape.outputs)
      QuantizedJob(task, groups: weights, workers: memory.workers.count).run(memory.workers)
    }
  }
}

/// The map with its border, row by row. It holds no references: every part would retain and release them.
private struct Bordering {
  let pixels: UnsafePointer<UInt8>
  let width: Int
  /// The pixel beyond the picture.
  let border: UnsafePointer<UInt8>
  /// The row or column of the picture for each of the map, negative beyond it.
  let rowSources: UnsafePointer<Int>
  let columnSources: UnsafePointer<Int>
  let columnCount: Int
  /// The columns that are neighbours in the picture too.
  let interior: Range<Int>
  let bordered: UnsafeMutablePointer<UInt8>

  private static let channels = 3

  func fill(_ row: Int) {
    let source = rowSources[row]
    let target = bordered + row &* columnCount &* Self.channels
    let line = source < 0 ? nil : pixels + source &* width &* Self.channels
    let inside = line == nil ? 0..<0 : interior
    for column in 0..<inside.lowerBound { fillPixel(column, from: line, into: target) }
    if let line {
      (target + inside.lowerBound &* Self.channels).update(from: line, count: width &* Self.channels)
    }
    for column in inside.upperBound..<columnCount { fillPixel(column, from: line, into: target) }
  }

  /// Writes one pixel of a row.
  ///
  /// - Parameter line: the pixels of the picture that the row is of; nil for a row beyond the picture.
  private func fillPixel(
    _ column: Int, from line: UnsafePointer<UInt8>?, into target: UnsafeMutablePointer<UInt8>
  ) {
    let (source, pixel) = (columnSources[column], target + column &* Self.channels)
    guard let line, source >= 0 else {
      for channel in 0..<Self.channels { pixel[channel] = border[channel] }
      return
    }
    pixel.update(from: line + source &* Self.channels, count: Self.channels)
  }
}
