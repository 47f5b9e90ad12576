/// A table with columns of fixed width, printed row by row. The last column may be of any width.
struct Table {
  let widths: [Int]

  /// One row without trailing blanks.
  func row(_ cells: String...) -> String { row(cells) }

  func row(_ cells: [String]) -> String {
    var line = ""
    for (index, cell) in cells.enumerated() {
      line += index < widths.count ? cell.padded(to: widths[index]) + "  " : cell
    }
    while line.last == " " { line.removeLast() }
    return line
  }
}
