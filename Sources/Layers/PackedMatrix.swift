import Basics
import Kernels

/// Writes the weights of some outputs as rows, in the layout of PyTorch's tensor. It is called for one panel of outputs after the
/// other, of at most ``GEMMShape/panelWidth`` outputs each.
package typealias WeightRows = (_ outputs: Range<Int>, _ rows: UnsafeMutablePointer<Float>) throws(Failure) -> Void

/// A matrix of weights in the layout that ``GEMM`` reads: see ``GEMMShape``.
package struct PackedMatrix: Sendable {
  let outputs: Int
  let shape: GEMMShape
  private let panels: SharedFloats

  var base: UnsafePointer<Float> { panels.base }
  var panelCount: Int { shape.panelCount(outputs) }

  /// - Parameters:
  ///   - taps: how many taps each of the `inputs` has. A row has all taps of an input together; the packed matrix has
  ///     all inputs of a tap together.
  ///   - shape: the build to pack for.
  ///   - memory: memory for the packed weights; nil for memory of its own.
  ///   - rows: gives rows of `inputs` x `taps` weights.
  init(
    outputs: Int, inputs: Int, taps: Int = 1, for shape: GEMMShape = Kernels.gemmShape, in memory: WeightMemory? = nil,
    rows: WeightRows
  ) throws(Failure) {
    guard shape.depthGroup == 1, shape.element == .float32 else {
      throw Failure(.unsupported, "weights of float32 cannot be packed for \(shape)")
    }
    guard let depth = checkedProduct([inputs, taps]),
      let count = checkedProduct([shape.paddedOutputs(outputs), depth])
    else { throw Failure(.outOfMemory, "a matrix of \(outputs) x \(inputs) does not fit the memory") }
    let raw = try FloatBuffer(count: shape.panelWidth * depth, isBrief: true)
    let panel = try FloatBuffer(count: taps > 1 ? raw.count : 0, isBrief: true)
    self.outputs = outputs
    self.shape = shape
    panels = try SharedFloats(count: count, in: memory) { (memory) throws(Failure) in
      for first in stride(from: 0, to: outputs, by: shape.panelWidth) {
        let count = min(shape.panelWidth, outputs - first)
        try rows(first..<first + count, raw.base)
        let width = shape.width(ofPanelAt: first, outputs: outputs)
        if count < width { (raw.base + count * depth).update(repeating: 0, count: (width - count) * depth) }
        let target = memory + first * depth
        transpose(
          raw.base, stride: depth, rows: width, columns: depth, into: taps > 1 ? panel.base : target, stride: width)
        if taps > 1 { Self.exchange(inputs, taps, of: panel.base, width: width, into: target) }
      }
    }
  }

  /// Reorders inputs x taps vectors as taps x inputs.
  private static func exchange(
    _ inputs: Int, _ taps: Int, of source: UnsafePointer<Float>, width: Int, into target: UnsafeMutablePointer<Float>
  ) {
    for tap in 0..<taps {
      for input in 0..<inputs {
        let from = UnsafeRawPointer(source + (input &* taps &+ tap) &* width)
        let to = UnsafeMutableRawPointer(target + (tap &* inputs &+ input) &* width)
        for part in 0..<width / 8 {
          to.storeBytes(
            of: from.loadUnaligned(fromByteOffset: 32 &* part, as: SIMD8<Float>.self), toByteOffset: 32 &* part,
            as: SIMD8<Float>.self)
        }
      }
    }
  }
}

// For matrices that change from call to call. They are packed into scratch memory on the calling thread, for the build in use. Each
// column is an output, each row an input.
extension PackedMatrix {
  /// The size of a packed matrix in floats.
  package static func count(rows: Int, columns: Int) -> Int { rows * Kernels.gemmShape.paddedOutputs(columns) }

  /// Packs some columns, which must begin at a multiple of the panel width in the whole matrix.
  ///
  /// - Parameter isTransposed: whether the columns are stored as rows, as in PyTorch's `Linear.weight`.
  package static func pack(
    _ source: UnsafePointer<Float>, stride sourceStride: Int, isTransposed: Bool = false, rows: Int, columns: Int,
    into panels: UnsafeMutablePointer<Float>
  ) {
    let shape = Kernels.gemmShape
    for first in stride(from: 0, to: columns, by: shape.panelWidth) {
      let width = shape.width(ofPanelAt: first, outputs: columns)
      let count = min(width, columns - first)
      let panel = panels + first * rows
      if isTransposed {
        if count < width { panel.update(repeating: 0, count: width * rows) }
        transpose(
          source + first * sourceStride, stride: sourceStride, rows: count, columns: rows, into: panel, stride: width)
      } else if count == 16 {
        for row in 0..<rows {
          let values = UnsafeRawPointer(source + (row &* sourceStride &+ first))
          UnsafeMutableRawPointer(panel + row &* 16).storeBytes(
            of: values.loadUnaligned(as: SIMD16<Float>.self), as: SIMD16<Float>.self)
        }
      } else {
        for row in 0..<rows {
          let target = panel + row &* width
          target.update(from: source + (row &* sourceStride &+ first), count: count)
          if count < width { (target + count).update(repeating: 0, count: width &- count) }
        }
      }
    }
  }

  /// y = x M for rows of x and a packed matrix M of `depth` rows.
  ///
  /// - Parameter zeros: as many zeros as a row of M has with padding.
  package static func multiply(
    _ x: UnsafePointer<Float>, xStride: Int, rows: Int, by panels: UnsafePointer<Float>, depth: Int, columns: Int,
    zeros: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, yStride: Int
  ) {
    GEMM(
      Kernels.gemmShape, rows: rows, x: x, xStride: xStride, depth: depth, zeros: zeros, panels: panels,
      outputs: columns, bias: .shared(zeros), y: y, yStride: yStride
    ).run()
  }
}

extension GEMM {
  /// Computes the whole product on the calling thread.
  func run(on kernels: any GEMMKernels = Kernels.selected) {
    kernels.gemm(self, rows: 0..<rows, panels: 0..<kernels.gemmShape.panelCount(outputs))
  }
}
