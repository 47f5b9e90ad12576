import Basics

/// Comma-separated values with a line of column names (RFC 4180): cells may be quoted, and hold commas, line ends and
/// doubled quotes then. Own code, because the library for it needs all of Foundation, which is larger than the tool.
package struct CSV {
  /// Names of the columns, in lower case.
  let columns: [String]
  /// As many cells as columns each.
  let rows: [[String]]

  /// Fails with `.format` for a row with another number of cells and for a quote that is not closed.
  init(_ text: String) throws(Failure) {
    var lines = try Self.cells(text)
    // The mark that some programs begin a file with.
    if let first = lines.first?.first, first.hasPrefix("\u{FEFF}") { lines[0][0] = String(first.dropFirst()) }
    guard let head = lines.first else { throw Failure(.format, "there is no line of column names") }
    columns = head.map { $0.lowercased() }
    rows = Array(lines.dropFirst())
    for (index, row) in rows.enumerated() where row.count != columns.count {
      throw Failure(.format, "row \(index + 1) has \(row.count) cells where there are \(columns.count) columns")
    }
  }

  /// A line of a file with these cells, without its end.
  package static func line(_ cells: [String]) -> String { cells.map { quoted($0) }.joined(separator: ",") }

  private static func quoted(_ cell: String) -> String {
    // Scalars, since a line end of two is one character.
    guard cell.unicodeScalars.contains(where: { ",\"\n\r".unicodeScalars.contains($0) }) else { return cell }
    var text = "\""
    for scalar in cell.unicodeScalars { text += scalar == "\"" ? "\"\"" : String(scalar) }
    return text + "\""
  }

  /// Lines that are not empty, cut into cells without blanks around them.
  private static func cells(_ text: String) throws(Failure) -> [[String]] {
    var lines: [[String]] = []
    var line: [String] = []
    var cell = ""
    var isQuoted = false
    func trimmed(_ cell: String) -> String {
      let head = cell.drop { $0 == " " || $0 == "\t" }
      return String(
        head.prefix(upTo: head.lastIndex { $0 != " " && $0 != "\t" }.map(head.index(after:)) ?? head.endIndex))
    }
    func endLine() {
      if !line.isEmpty || !trimmed(cell).isEmpty { lines.append(line + [trimmed(cell)]) }
      (line, cell) = ([], "")
    }
    var characters = text.makeIterator()
    var next = characters.next()
    while let character = next {
      next = characters.next()
      switch character {
      case "\"" where isQuoted && next == "\"":
        cell.append(character)
        next = characters.next()
      case "\"": isQuoted.toggle()
      case _ where isQuoted: cell.append(character)
      case ",":
        line.append(trimmed(cell))
        cell = ""
      case "\n", "\r", "\r\n": endLine()
      default: cell.append(character)
      }
    }
    guard !isQuoted else { throw Failure(.format, "a quote is not closed") }
    endLine()
    return lines
  }
}
