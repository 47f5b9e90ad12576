import CKernelTasks

extension TriangularProduct {
  package static var panelHeight: Int { 8 }
  /// Numbers of 16 bits that the scales of a panel's rows take.
  package static var scaleCount: Int { 2 * panelHeight }

  /// The size of a packed matrix in numbers of 16 bits; `size` is at least 1.
  package static func matrixCount(size: Int) -> Int {
    panelStart(0, size: size) + scaleCount + panelHeight * min(panelHeight, size)
  }

  /// The offset of a panel in its matrix. Before it lie the panels of the rows below; the lowest one has `size`
  /// columns, the others, from the top, 8, 16 and so on.
  private static func panelStart(_ panel: Int, size: Int) -> Int {
    let last = (size - 1) / panelHeight
    guard panel < last else { return 0 }
    return scaleCount * (last - panel) + panelHeight * size + 32 * (last * (last + 1) - (panel + 1) * (panel + 2))
  }

  /// The scale of a row: the least power of two by which 16 bits hold all its numbers. Multiplying by it rounds nothing.
  private static func scale(_ row: UnsafePointer<Float>, count: Int) -> Float {
    var largest: Float = 0
    for column in 0..<count { largest = max(largest, abs(row[column])) }
    guard largest >= .leastNormalMagnitude, largest.isFinite else { return .leastNormalMagnitude }
    let scale = max(largest.binade * 0x1p-14, .leastNormalMagnitude)
    return (largest / scale).rounded(.toNearestOrEven) > 32767 ? 2 * scale : scale
  }

  /// Rounds a matrix, given as the rows of its lower triangle one behind the other, to what a packed one holds.
  package static func round(_ triangle: UnsafeMutablePointer<Float>, size: Int) {
    var row = triangle
    for count in 1...size {
      let scale = scale(row, count: count)
      for column in 0..<count { row[column] = (row[column] / scale).rounded(.toNearestOrEven) * scale }
      row += count
    }
  }

  /// Copies a rounded matrix into panels. The target holds zeros.
  package static func pack(_ triangle: UnsafePointer<Float>, size: Int, into target: UnsafeMutablePointer<Int16>) {
    var source = triangle
    for row in 0..<size {
      let (panel, lane) = row.quotientAndRemainder(dividingBy: panelHeight)
      let start = target + panelStart(panel, size: size)
      let scale = scale(source, count: row + 1)
      UnsafeMutableRawPointer(start).storeBytes(of: scale, toByteOffset: 4 * lane, as: Float.self)
      let weights = start + (scaleCount + lane)
      // Numbers that are not finite are refused when they are read.
      for column in 0...row { weights[column * panelHeight] = Int16(exactly: source[column] / scale) ?? 0 }
      source += row + 1
    }
  }
}
