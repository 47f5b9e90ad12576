import Basics
import Kernels
import Layers

extension QuantizedMicrokernel {
  /// With taps, rows are the positions of a map that is about square, under a window of 3 x 3 taps or less.
  static func gemm(
    rows: Int, taps: Int, depth: Int, outputs: Int, weights element: ElementType, activation: Activation = .relu,
    residual: Residual = .none, target: Target = .floatsAndBytes, isLargest: Bool = false
  ) -> QuantizedMicrokernel {
    QuantizedMicrokernel(
      name:
        "\(isLargest ? "largest " : "")gemm u8 x \(element == .int8 ? "s8" : "s16") \(rows) x \(taps) x \(depth) x \(outputs), \(activation), "
        + "+ \(residual), to \(target)",
      work: rows * taps * depth * outputs
    ) { (kernels) throws(Failure) in
      let length = taps * depth
      let x = try bytes("x", (rows + 4) * depth)
      let limit = element == .int8 ? 127.0 : min(Double(QuantizedMatrix.largestWord), 8_000_000 / Double(length))
      let weights = try integers("w", outputs * length, limit: limit)
      // Weights of few inputs would not have the largest ones among them otherwise.
      (weights.base[0], weights.base[outputs * length - 1]) = (
        Float(limit.rounded(.down)), -Float(limit.rounded(.down))
      )
      let zero: UInt8 = isLargest ? 0 : 113
      if isLargest {
        // 256 h + l with h = 127 and l = -128, or their negatives: sums of 256 h x have more than 32 bits, those of weights do not.
        x.base.update(repeating: 255, count: x.count)
        for place in 0..<outputs * length { weights.base[place] = place / length % 2 == 0 ? 32_384 : -32_384 }
      }
      let matrix = try QuantizedMatrix(
        outputs: outputs, inputs: depth, taps: taps, zeros: [Float](repeating: Float(zero), count: depth),
        weights: element, for: kernels
      ) { (outputs, rows) in
        for i in 0..<outputs.count * length { rows[i] = Int16(weights.base[outputs.lowerBound * length + i]) }
      }
      let border = try Buffer<UInt8>(count: depth)
      border.base.update(repeating: zero, count: depth)
      let correction = try SharedBuffer(matrix.correction)
      let offsets = try Buffer<Int32>(count: rows * taps)
      let width = Int(Double(rows).squareRoot())
      for i in 0..<offsets.count {
        let (row, tap) = i.quotientAndRemainder(dividingBy: taps)
        let (column, position) = (row % width + tap % 3 - 1, row + (tap / 3 - 1) * width + tap % 3 - 1)
        let isInside = column >= 0 && column < width && position >= 0 && position < rows
        offsets.base[i] = isInside ? Int32(position * depth) : -1
      }
      let epilogue = try EpilogueOperands(
        rows: rows, outputs: outputs, activation: activation, residual: residual, target: target,
        sum: 80 * limit * Double(length).squareRoot())
      let task = QuantizedGEMM(
        rows: rows, x: x.base, xStride: depth, offsets: taps > 1 ? UnsafePointer(offsets.base) : nil, taps: taps,
        depth: depth, border: border.base, panels: matrix.base, isWide: matrix.isWide, outputs: outputs,
        correction: correction.base, epilogue: epilogue.task, yStride: outputs)
      return Prepared(
        run: { kernels.quantizedGEMM(task, rows: 0..<rows, panels: 0..<matrix.panelCount) },
        values: { epilogue.results },
        expected: {
          // What the task points to lives as long as this.
          _ = (border, correction, matrix)
          return epilogue.expected(
            (0..<rows * outputs).map { place in
              let (row, output) = place.quotientAndRemainder(dividingBy: outputs)
              var sum = 0
              for tap in 0..<taps {
                let start = taps > 1 ? Int(offsets.base[row * taps + tap]) : row * depth
                guard start >= 0 else { continue }
                for k in 0..<depth {
                  let weight = Int(weights.base[output * length + k * taps + tap])
                  sum += (Int(x.base[start + k]) - Int(zero)) * weight
                }
              }
              return Float(sum)
            })
        })
    }
  }
}
