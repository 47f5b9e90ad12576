import Basics
import Support
import Testing

@testable import Layers

/// Products with weights as they lie in memory, against plain sums in double precision, on ragged shapes.
@Suite struct UnpackedMatrixTests {
  static let shapes = [
    (rows: 1, inputs: 1, outputs: 1), (5, 3, 7), (13, 255, 16), (7, 256, 17), (30, 300, 40), (3, 515, 65),
  ]

  @Test(arguments: shapes) func isTheSumOfProducts(rows: Int, inputs: Int, outputs: Int) throws {
    let x = Generated.unit("cx", count: rows * inputs).map { Float($0) }
    let weights = Generated.unit("cw", count: outputs * inputs).map { Float($0) }
    let start = Generated.unit("cy", count: rows * outputs).map { Float($0) }
    for layout in [UnpackedMatrix.Layout.outputRows, .inputRows] {
      for isAdding in [false, true] {
        // In two parts where there is more than a panel: the second must not touch the first's columns.
        let cut = outputs > 16 ? 16 : outputs
        let y = try FloatBuffer(count: rows * outputs)
        y.base.update(from: start, count: start.count)
        let scratch = try FloatBuffer(count: UnpackedMatrix.scratchCount)
        let product = weights.withUnsafeBufferPointer { weights in
          weights.baseAddress.map {
            UnpackedMatrix(
              $0, rowStride: layout == .outputRows ? inputs : outputs, layout: layout, inputs: inputs)
          }
        }
        try weights.withUnsafeBufferPointer { _ in
          for part in [0..<cut, cut..<outputs] {
            try #require(product).multiply(
              x, xStride: inputs, rows: rows, outputs: part, adding: isAdding, into: y.base, yStride: outputs,
              scratch: scratch.base)
          }
        }
        var sums: [Double] = []
        for row in 0..<rows {
          for output in 0..<outputs {
            var expected = isAdding ? Double(start[row * outputs + output]) : 0
            for i in 0..<inputs {
              let weight = layout == .outputRows ? weights[output * inputs + i] : weights[i * outputs + output]
              expected += Double(x[row * inputs + i]) * Double(weight)
            }
            sums.append(expected)
          }
        }
        expectClose((0..<y.count).map { y.base[$0] }, sums, within: 2e-6 * Double(inputs + 1))
      }
    }
  }

  @Test(arguments: shapes) func packedRowsAreMultiplied(rows: Int, depth: Int, columns: Int) throws {
    let x = Generated.unit("rx", count: rows * depth).map { Float($0) }
    let matrix = Generated.unit("rm", count: depth * columns).map { Float($0) }
    let panels = try FloatBuffer(count: PackedMatrix.count(rows: depth, columns: columns))
    for index in 0..<panels.count { panels.base[index] = .nan }
    PackedMatrix.pack(matrix, stride: columns, rows: depth, columns: columns, into: panels.base)
    let zeros = [Float](repeating: 0, count: columns + 16)
    let y = try FloatBuffer(count: rows * columns)
    PackedMatrix.multiply(
      x, xStride: depth, rows: rows, by: panels.base, depth: depth, columns: columns, zeros: zeros, into: y.base,
      yStride: columns)
    let expected = (0..<rows * columns).map { place in
      let (row, column) = place.quotientAndRemainder(dividingBy: columns)
      return (0..<depth).reduce(0.0) {
        $0 + Double(x[row * depth + $1]) * Double(matrix[$1 * columns + column])
      }
    }
    expectClose((0..<y.count).map { y.base[$0] }, expected, within: 2e-6 * Double(depth + 1))
  }

  @Test func transposesRaggedMatrices() throws {
    for (rows, columns) in [(1, 1), (4, 4), (5, 9), (16, 3), (7, 22)] {
      let source = (0..<rows * (columns + 2)).map { Float($0) }
      let target = try FloatBuffer(count: columns * (rows + 1))
      transpose(source, stride: columns + 2, rows: rows, columns: columns, into: target.base, stride: rows + 1)
      for row in 0..<rows {
        for column in 0..<columns {
          #expect(target.base[column * (rows + 1) + row] == source[row * (columns + 2) + column])
        }
      }
    }
  }
}
