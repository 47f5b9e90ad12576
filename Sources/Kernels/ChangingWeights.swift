import CProcessor

/// y = W x, or y += W x, with weights that change from call to call, as in training: they are packed piece by piece just before use,
/// which is cheap beside some hundred rows of product.
///
/// Every output is summed in one order, whatever rows or outputs are computed together.
package struct ChangingWeights {
  /// How the matrix lies in memory.
  package enum Layout: Sendable {
    /// A row of weights for each output: PyTorch's `Linear.weight`.
    case outputRows
    /// A row of weights for each input.
    case inputRows
  }

  private let base: UnsafePointer<Float>
  private let rowStride: Int
  private let layout: Layout
  private let inputs: Int

  /// - Parameter rowStride: floats from one stored row to the next.
  package init(_ base: UnsafePointer<Float>, rowStride: Int, layout: Layout, inputs: Int) {
    self.base = base
    self.rowStride = rowStride
    self.layout = layout
    self.inputs = inputs
  }

  /// Inputs that are packed at once: with two panels of outputs 32 KiB, which stay in a core's fastest caches.
  private static let inputsAtOnce = 256
  private static let panelsAtOnce = 2

  /// Floats of scratch memory that ``multiply(_:xStride:rows:outputs:adding:into:yStride:scratch:)`` needs. They must
  /// begin as zeros, and be given to nothing else.
  package static let scratchCount = (inputsAtOnce + 1) * panelsAtOnce * Product.panelWidth

  /// y[row][output] = sum over inputs of weight(output, input) x[row][input], for some of the outputs; on the calling
  /// thread.
  ///
  /// - Parameters:
  ///   - isAdding: adds that to y.
  ///   - y: has the outputs' columns, from the matrix's first; must not overlap x.
  package func multiply(
    _ x: UnsafePointer<Float>, xStride: Int, rows: Int, outputs: Range<Int>, adding isAdding: Bool = false,
    into y: UnsafeMutablePointer<Float>, yStride: Int, scratch: UnsafeMutablePointer<Float>
  ) {
    let zeros = scratch
    let panels = scratch + Self.panelsAtOnce * Product.panelWidth
    for start in stride(from: 0, to: inputs, by: Self.inputsAtOnce) {
      let pack = start..<min(start + Self.inputsAtOnce, inputs)
      let step = Self.panelsAtOnce * Product.panelWidth
      for first in stride(from: outputs.lowerBound, to: outputs.upperBound, by: step) {
        let count = min(step, outputs.upperBound - first)
        self.pack(outputs: first..<first + count, inputs: pack, into: panels)
        // The next weights come from memory while these are multiplied.
        let next = first + step
        if next < outputs.upperBound {
          fetch(outputs: next..<min(next + step, outputs.upperBound), inputs: pack)
        } else if pack.upperBound < inputs {
          fetch(
            outputs: outputs.lowerBound..<min(outputs.lowerBound + step, outputs.upperBound),
            inputs: pack.upperBound..<min(pack.upperBound + Self.inputsAtOnce, inputs))
        }
        let target = y + first
        let product = Product(
          rows: rows, x: x + start, xStride: xStride, depth: pack.count, zeros: zeros, panels: UnsafePointer(panels),
          outputs: count, bias: .shared(UnsafePointer(zeros)),
          residual: isAdding || start > 0 ? UnsafePointer(target) : nil, activation: .identity, y: target,
          yStride: yStride)
        Kernels.selected.product(
          product, rows: 0..<rows, panels: 0..<(count + Product.panelWidth - 1) / Product.panelWidth)
      }
    }
  }

  private func fetch(outputs: Range<Int>, inputs: Range<Int>) {
    let (rows, columns) = layout == .outputRows ? (outputs, inputs) : (inputs, outputs)
    for row in rows {
      let start = base + row &* rowStride
      for column in stride(from: columns.lowerBound, to: columns.upperBound, by: 16) {
        cflowad_processor_prefetch(start + column)
      }
    }
  }

  private func pack(outputs: Range<Int>, inputs: Range<Int>, into panels: UnsafeMutablePointer<Float>) {
    switch layout {
    case .inputRows:
      PackedRows.pack(
        base + (inputs.lowerBound * rowStride + outputs.lowerBound), stride: rowStride, rows: inputs.count,
        columns: outputs.count, into: panels)
    case .outputRows:
      for first in stride(from: 0, to: outputs.count, by: Product.panelWidth) {
        let width = PackedWeights.width(ofPanelAt: first, outputs: outputs.count)
        let count = min(width, outputs.count - first)
        let panel = panels + first * inputs.count
        if count < width { panel.update(repeating: 0, count: width * inputs.count) }
        transpose(
          base + ((outputs.lowerBound + first) * rowStride + inputs.lowerBound), stride: rowStride, rows: count,
          columns: inputs.count, into: panel, stride: width)
      }
    }
  }
}

/// A matrix's columns in panels, as ``Product`` reads weights: each column an output, each row an input.
package enum PackedRows {
  /// Floats that packed rows take.
  package static func count(rows: Int, columns: Int) -> Int { rows * Product.paddedOutputs(columns) }

  /// Columns of the panel that begins at one, with padding: a row of the panel.
  package static func width(ofPanelAt first: Int, columns: Int) -> Int {
    PackedWeights.width(ofPanelAt: first, outputs: columns)
  }

  /// Packs columns, which begin at a multiple of a panel's width in the matrix that the panels are to hold.
  package static func pack(
    _ source: UnsafePointer<Float>, stride sourceStride: Int, rows: Int, columns: Int,
    into panels: UnsafeMutablePointer<Float>
  ) {
    for first in stride(from: 0, to: columns, by: Product.panelWidth) {
      let width = width(ofPanelAt: first, columns: columns)
      let count = min(width, columns - first)
      let panel = panels + first * rows
      if count == 16 {
        for row in 0..<rows {
          let values = UnsafeRawPointer(source + (row &* sourceStride &+ first))
          UnsafeMutableRawPointer(panel + row &* 16).storeBytes(
            of: values.loadUnaligned(as: SIMD16<Float>.self), as: SIMD16<Float>.self)
        }
        continue
      }
      for row in 0..<rows {
        let target = panel + row &* width
        target.update(from: source + (row &* sourceStride &+ first), count: count)
        if count < width { (target + count).update(repeating: 0, count: width &- count) }
      }
    }
  }

  /// y = x M for rows of x and a packed matrix M of `depth` rows, on the calling thread.
  ///
  /// - Parameter zeros: as many as a row of M has, with padding.
  package static func multiply(
    _ x: UnsafePointer<Float>, xStride: Int, rows: Int, by panels: UnsafePointer<Float>, depth: Int, columns: Int,
    zeros: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, yStride: Int
  ) {
    let product = Product(
      rows: rows, x: x, xStride: xStride, depth: depth, zeros: zeros, panels: panels, outputs: columns,
      bias: .shared(zeros), residual: nil, activation: .identity, y: y, yStride: yStride)
    Kernels.selected.product(
      product, rows: 0..<rows, panels: 0..<(columns + Product.panelWidth - 1) / Product.panelWidth)
  }
}
