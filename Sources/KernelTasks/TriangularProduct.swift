import CKernelTasks

extension TriangularProduct {
  package static var panelHeight: Int { 8 }
  /// Numbers of 16 bits that the scales of a panel's rows take.
  package static var scaleCount: Int { 2 * panelHeight }

  /// The size of a packed matrix in numbers of 16 bits; `size` is at least 1.
  package static func matrixCount(size: Int) -> Int { matrixCount(size: size, scaleCount: scaleCount) }

  private static func panelStart(_ panel: Int, size: Int) -> Int {
    panelStart(panel, size: size, scaleCount: scaleCount)
  }

  fileprivate static func matrixCount(size: Int, scaleCount: Int) -> Int {
    panelStart(0, size: size, scaleCount: scaleCount) + scaleCount + panelHeight * min(panelHeight, size)
  }

  /// The offset of a panel in its matrix. Before it lie the panels of the rows below; the lowest one has `size`
  /// columns, the others, from the top, 8, 16 and so on.
  fileprivate static func panelStart(_ panel: Int, size: Int, scaleCount: Int) -> Int {
    let last = (size - 1) / panelHeight
    guard panel < last else { return 0 }
    return scaleCount * (last - panel) + panelHeight * size + 32 * (last * (last + 1) - (panel + 1) * (panel + 2))
  }

  /// The scale of a row: the least power of two by which 16 bits hold all its numbers. Multiplying by it rounds nothing.
  private static func scale(_ row: UnsafePointer<Float>, count: Int) -> Float {
    // Magnitudes are in the order of their bits, those that are not finite last.
    var magnitudes = SIMD8<Int32>()
    forEachVector(row, count: count) { values, _, _ in
      let bits = unsafeBitCast(values, to: SIMD8<Int32>.self) & 0x7fff_ffff
      magnitudes.replace(with: bits, where: bits .> magnitudes)
    }
    let largest = Float(bitPattern: UInt32(bitPattern: magnitudes.max()))
    guard largest >= .leastNormalMagnitude, largest.isFinite else { return .leastNormalMagnitude }
    let scale = max(largest.binade * 0x1p-14, .leastNormalMagnitude)
    return (largest / scale).rounded(.toNearestOrEven) > 32767 ? 2 * scale : scale
  }

  /// Calls the body with eight numbers of a row after the other; behind the last one zeros follow.
  @inline(__always)
  private static func forEachVector(
    _ row: UnsafePointer<Float>, count: Int, _ body: (_ values: SIMD8<Float>, _ place: Int, _ count: Int) -> Void
  ) {
    let whole = count & ~7
    for place in Swift.stride(from: 0, to: whole, by: 8) {
      body(UnsafeRawPointer(row + place).loadUnaligned(as: SIMD8<Float>.self), place, 8)
    }
    guard whole < count else { return }
    var rest = SIMD8<Float>()
    for lane in 0..<count &- whole { rest[lane] = row[whole &+ lane] }
    body(rest, whole, count &- whole)
  }

  /// Added to a number of a magnitude below 2^22, it gives a sum that is rounded to an integer, to nearest and ties to even. The sum's
  /// lowest bits are that integer.
  private static var rounding: SIMD8<Float> { SIMD8(repeating: 0x1.8p23) }

  /// Rounds a matrix, given as the rows of its lower triangle one behind the other, to what a packed one holds.
  package static func round(_ triangle: UnsafeMutablePointer<Float>, size: Int) {
    var row = triangle
    for count in 1...size {
      // Powers of two and their inverses are exact.
      let scale = scale(row, count: count)
      let inverse = 1 / scale
      forEachVector(row, count: count) { values, place, count in
        let scaled = values * inverse
        let integers = (scaled + rounding) - rounding
        // A negative number that rounds to zero keeps its sign.
        let signs = unsafeBitCast(scaled, to: SIMD8<UInt32>.self) & 0x8000_0000
        let rounded =
          unsafeBitCast(unsafeBitCast(integers, to: SIMD8<UInt32>.self) | signs, to: SIMD8<Float>.self) * scale
        let target = row + place
        if count == 8 {
          UnsafeMutableRawPointer(target).storeBytes(of: rounded, as: SIMD8<Float>.self)
        } else {
          for lane in 0..<count { target[lane] = rounded[lane] }
        }
      }
      row += count
    }
  }

  /// Copies a rounded matrix into panels. The target holds zeros. Numbers that are not finite are refused when they are read.
  package static func pack(_ triangle: UnsafePointer<Float>, size: Int, into target: UnsafeMutablePointer<Int16>) {
    var source = triangle
    for row in 0..<size {
      let (panel, lane) = row.quotientAndRemainder(dividingBy: panelHeight)
      let start = target + panelStart(panel, size: size)
      let scale = scale(source, count: row + 1)
      UnsafeMutableRawPointer(start).storeBytes(of: scale, toByteOffset: 4 * lane, as: Float.self)
      let (weights, inverse) = (start + (scaleCount + lane), 1 / scale)
      forEachVector(source, count: row + 1) { values, place, count in
        let integers =
          unsafeBitCast(values * inverse + rounding, to: SIMD8<Int32>.self)
          &- unsafeBitCast(rounding, to: SIMD8<Int32>.self)
        let column = weights + place &* panelHeight
        for i in 0..<count { column[i &* panelHeight] = Int16(truncatingIfNeeded: integers[i]) }
      }
      source += row + 1
    }
  }
}

extension ByteTriangularProduct {
  /// Bytes that the scales of a panel's rows take.
  package static var scaleCount: Int { 4 * TriangularProduct.panelHeight }

  /// The size of a packed matrix in bytes; `size` is at least 1.
  package static func matrixCount(size: Int) -> Int {
    TriangularProduct.matrixCount(size: size, scaleCount: scaleCount)
  }

  /// Copies a matrix into panels: the rows of its lower triangle, integers of 8 bits, and the scale of each. The target holds
  /// zeros.
  package static func pack(
    _ triangle: UnsafePointer<Int16>, scales: UnsafePointer<Float>, size: Int, into target: UnsafeMutablePointer<Int8>
  ) {
    let height = TriangularProduct.panelHeight
    var source = triangle
    for row in 0..<size {
      let (panel, lane) = row.quotientAndRemainder(dividingBy: height)
      let start = target + TriangularProduct.panelStart(panel, size: size, scaleCount: scaleCount)
      UnsafeMutableRawPointer(start).storeBytes(of: scales[row], toByteOffset: 4 * lane, as: Float.self)
      let weights = start + (scaleCount + lane)
      for column in 0...row { weights[column &* height] = Int8(truncatingIfNeeded: source[column]) }
      source += row + 1
    }
  }
}
