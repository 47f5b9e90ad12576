import Basics
import Kernels
import Layers

extension QuantizedMicrokernel {
  /// Rows of several sizes, one of them zeros and one below what is counted as zeros.
  static func quantize(rows: Int, count: Int, isSigned: Bool) -> QuantizedMicrokernel {
    QuantizedMicrokernel(name: "quantize \(isSigned ? "s8" : "u8") \(rows) x \(count)", work: rows * count) {
      (kernels) throws(Failure) in
      let (stride, byteStride) = (count + 3, (count + 7) / 4 * 4)
      let x = try Microkernel.floats("x", rows * stride)
      for row in 0..<rows {
        let factor: Float = row == 1 ? 0 : row == 2 ? 1e-32 : Float(row + 1) * 0.3
        for i in 0..<stride {
          let value = x.base[row * stride + i] * factor
          x.base[row * stride + i] = isSigned ? value : abs(value)
        }
        // The largest may be anywhere in a row. What is behind it does not count.
        if row == 0 { x.base[row * stride] = isSigned ? -1.5 * factor : 1.5 * factor }
        if row == 3 { x.base[row * stride + count - 1] = 1.5 * factor }
        for i in count..<stride { x.base[row * stride + i] = 1000 }
      }
      let (bytes, scales) = (try Buffer<UInt8>(count: rows * byteStride), try FloatBuffer(count: rows))
      let task = RowQuantization(
        x: x.base, xStride: stride, byteStride: byteStride, count: count, isSigned: isSigned, bytes: bytes.base,
        scales: scales.base)
      return Prepared(
        run: { kernels.quantize(task, rows: 0..<rows) },
        values: {
          (0..<rows * count).map { Float(bytes.base[$0 / count * byteStride + $0 % count]) }
            + (0..<rows).map { scales.base[$0] }
        },
        expected: {
          let (limit, zero): (Float, Float) = isSigned ? (127, 128) : (255, 0)
          let largest = (0..<rows).map { row in
            (0..<count).reduce(Float(0)) { max($0, abs(x.base[row * stride + $1])) }
          }
          return (0..<rows * count).map { place in
            let (row, i) = place.quotientAndRemainder(dividingBy: count)
            let inverse = largest[row] > 1e-30 ? limit / largest[row] : 0
            return (x.base[row * stride + i] * inverse + zero).rounded(.toNearestOrEven)
          } + largest.map { $0 / limit }
        })
    }
  }

  static func hadamard(rows: Int, channels: Int) -> QuantizedMicrokernel {
    QuantizedMicrokernel(name: "hadamard \(rows) x \(channels)", work: rows * channels) { (kernels) throws(Failure) in
      let stride = channels + 16
      let u = try Microkernel.floats("u", rows * stride)
      let (scale, offset) = (try Microkernel.floats("s", channels), try Microkernel.floats("o", channels))
      let y = try FloatBuffer(count: rows * stride)
      let task = HadamardTransform(
        u: u.base, scale: scale.base, offset: offset.base, y: y.base, channels: channels, stride: stride)
      return Prepared(
        run: { kernels.hadamard(task, rows: 0..<rows) },
        values: { (0..<rows * stride).map { y.base[$0] } },
        expected: {
          (0..<rows).flatMap { row in
            var values = (0..<channels).map { u.base[row * stride + $0] * scale.base[$0] + offset.base[$0] }
            var distance = channels / 2
            while distance > 0 {
              values = values.indices.map {
                $0 & distance == 0 ? values[$0] + values[$0 + distance] : values[$0 - distance] - values[$0]
              }
              distance /= 2
            }
            // What lies between rows stays as it is.
            return values + [Float](repeating: 0, count: stride - channels)
          }
        })
    }
  }

  /// With the bias of a grid, or one for all rows.
  static func rowScaled(rows: Int, depth: Int, outputs: Int, width: Int? = nil) -> QuantizedMicrokernel {
    QuantizedMicrokernel(
      name: "gemm u8 x s8 by rows, \(rows) x \(depth) x \(outputs)", work: rows * depth * outputs
    ) { (kernels) throws(Failure) in
      let (zero, xStride) = (128, (depth + 3) / 4 * 4 + 8)
      let x = try bytes("x", rows * xStride)
      let weights = try integers("w", outputs * depth, limit: 127)
      let matrix = try QuantizedMatrix(
        outputs: outputs, inputs: depth, zeros: [Float](repeating: Float(zero), count: depth), weights: .int8,
        for: kernels
      ) { (outputs, rows) in
        for i in 0..<outputs.count * depth { rows[i] = Int16(weights.base[outputs.lowerBound * depth + i]) }
      }
      let correction = try SharedBuffer(matrix.correction)
      let (multiplier, scales) = (
        try Microkernel.floats("m", correction.count), try Microkernel.floats("s", rows)
      )
      for i in 0..<multiplier.count { multiplier.base[i] *= 1 / (40 * 70 * Float(depth).squareRoot()) }
      let first = 3
      let biasRows = try Microkernel.floats("br", (rows / (width ?? rows) + 3) * correction.count)
      let biasColumns = try Microkernel.floats("bc", (width ?? 1) * correction.count)
      let y = try FloatBuffer(count: rows * correction.count)
      y.base.update(repeating: .nan, count: y.count)
      let task = RowScaledGEMM(
        x: x.base, xStride: xStride, depth: matrix.depth, scales: scales.base, panels: matrix.base,
        correction: correction.base, multiplier: multiplier.base, paddedOutputs: correction.count,
        bias: width.map { RowBias(rows: biasRows.base, columns: biasColumns.base, width: $0, first: first) }
          ?? .shared(biasRows.base),
        activation: width == nil ? .identity : .relu, y: y.base, yStride: correction.count)
      func bias(_ row: Int, _ output: Int) -> Float {
        guard let width else { return biasRows.base[output] }
        let (line, column) = (first + row).quotientAndRemainder(dividingBy: width)
        return biasRows.base[line * correction.count + output] + biasColumns.base[column * correction.count + output]
      }
      return Prepared(
        run: { kernels.rowScaledGEMM(task, rows: 0..<rows) },
        values: { (0..<rows * outputs).map { y.base[$0 / outputs * correction.count + $0 % outputs] } },
        expected: {
          // What the task points to lives as long as this.
          _ = (matrix, biasColumns)
          return (0..<rows * outputs).map { place in
            let (row, output) = place.quotientAndRemainder(dividingBy: outputs)
            var sum = 0
            for k in 0..<depth {
              sum += (Int(x.base[row * xStride + k]) - zero) * Int(weights.base[output * depth + k])
            }
            let value = Float(sum) * multiplier.base[output] * scales.base[row] + bias(row, output)
            return width == nil ? value : max(value, 0)
          }
        })
    }
  }
}
