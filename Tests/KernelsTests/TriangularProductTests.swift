import KernelTasks
import Testing

/// Rounding and packing of triangles beside plain loops.
@Suite struct TriangularProductTests {
  private static let size = 43

  /// Rows of numbers of all sizes, with zeros of both signs and numbers below the least normal. Some have the largest number 16,384 and
  /// halves, which lie between two integers of 16 bits.
  private static let triangle: [Float] = (0..<size).flatMap { row in
    (0...row).map { column -> Float in
      if row % 4 == 3 {
        let half = column % 5 == 4 ? 16_383.5 : Float(column) + 0.5
        return column == 0 ? 16_384 : column % 2 == 0 ? half : -half
      }
      switch (row * 7 + column * 3) % 11 {
      case 0: return -0.0
      case 1: return -0.2 * Float(sign: .plus, exponent: row - 20, significand: 1)
      case 2: return (Float(column) + 0.5) * Float(sign: .minus, exponent: -8, significand: 1)
      case 3: return row % 5 == 0 ? 32_767.6 : -32_767.4
      case 4: return .leastNonzeroMagnitude * Float(column)
      default:
        let integer = Float((row * 31 + column * 17) % 997 - 498)
        return integer * Float(sign: .plus, exponent: row % 9 * 5 - 30, significand: 1)
      }
    }
  }

  private static func scale(_ row: ArraySlice<Float>) -> Float {
    guard let largest = row.map(abs).max(), largest >= .leastNormalMagnitude else { return .leastNormalMagnitude }
    var scale = largest.binade * 0x1p-14
    if scale < .leastNormalMagnitude { scale = .leastNormalMagnitude }
    if (largest / scale).rounded(.toNearestOrEven) > 32_767 { scale *= 2 }
    return scale
  }

  private static func rows(_ triangle: [Float]) -> [ArraySlice<Float>] {
    (1...size).map { triangle[($0 * ($0 - 1) / 2)..<($0 * ($0 + 1) / 2)] }
  }

  @Test(arguments: [Float(1), 0, 0x1p100, 0x1p-120])
  func roundingIsToTheNearestMultiple(factor: Float) {
    let given = Self.triangle.map { $0 * factor }
    #expect(given.allSatisfy { $0.isFinite })
    var triangle = given
    TriangularProduct.round(&triangle, size: Self.size)
    let expected = Self.rows(given).flatMap { row in
      let scale = Self.scale(row)
      return row.map { ($0 / scale).rounded(.toNearestOrEven) * scale }
    }
    #expect(triangle.map(\.bitPattern) == expected.map(\.bitPattern))
  }

  @Test func packingKeepsWhatWasRounded() {
    let (height, scales) = (TriangularProduct.panelHeight, TriangularProduct.scaleCount)
    var packed = [Int16](repeating: 0, count: TriangularProduct.matrixCount(size: Self.size))
    var triangle = Self.triangle
    TriangularProduct.round(&triangle, size: Self.size)
    TriangularProduct.pack(triangle, size: Self.size, into: &packed)
    // Panels lie in the order of the lowest first; each has its scales and then a column of eight rows after the other.
    var panelEnd = packed.count
    for first in stride(from: 0, to: Self.size, by: height) {
      let columns = min(first + height, Self.size)
      let start = panelEnd - scales - height * columns
      for row in first..<columns {
        let place = start + 2 * (row - first)
        let bits = UInt32(UInt16(bitPattern: packed[place])) | UInt32(UInt16(bitPattern: packed[place + 1])) << 16
        let scale = Float(bitPattern: bits)
        #expect(scale == Self.scale(Self.rows(triangle)[row]))
        for column in 0...row {
          let number = packed[start + scales + column * height + row - first]
          #expect(Float(number) * scale == triangle[row * (row + 1) / 2 + column], "row \(row), column \(column)")
        }
      }
      panelEnd = start
    }
    #expect(panelEnd == 0)
  }
}
