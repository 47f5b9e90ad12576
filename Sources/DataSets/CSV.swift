import Basics

/// Values in columns with a line of column names (RFC 4180): cells may be quoted, and then may hold separators, line ends and
/// doubled quotes. They are separated by commas, or by semicolons or tabs, which office programs write where numbers have a
/// decimal comma. This is not done by a library because that would need all of Foundation, which is larger than the tool.
package struct CSV {
  /// Names of the columns, in lower case.
  let columns: [String]
  /// The rows, each with as many cells as columns. Rows of empty cells are left out.
  let rows: [[String]]
  /// The number of each of ``rows`` in the file, from 1.
  let numbers: [Int]

  /// The text of a file: UTF-16 if it has that byte order mark, else UTF-8. Bytes that are not UTF-8 are kept as in a
  /// path (see `String.pathBytes`).
  static func text(_ bytes: [UInt8]) -> String {
    let isLittle = bytes.starts(with: [0xff, 0xfe])
    guard isLittle || bytes.starts(with: [0xfe, 0xff]) else {
      return String(path: Array(bytes.dropFirst(bytes.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0)))
    }
    let units = (1..<bytes.count / 2).map {
      UInt16(bytes[2 * $0 + (isLittle ? 0 : 1)]) | UInt16(bytes[2 * $0 + (isLittle ? 1 : 0)]) << 8
    }
    return String(decoding: units, as: UTF16.self)
  }

  /// Fails with `.format` for a row with another number of cells and for a quote that is not closed.
  init(_ text: String) throws(Failure) {
    let (separator, text) = Self.separator(text)
    let lines = try Self.cells(text, separator: separator)
    guard let head = lines.first else { throw Failure(.format, "there is no line of column names") }
    columns = head.map { $0.lowercased() }
    let isKept = lines.dropFirst().map { row in row.contains { !$0.isEmpty } }
    rows = zip(lines.dropFirst(), isKept).filter(\.1).map(\.0)
    numbers = isKept.indices.filter { isKept[$0] }.map { $0 + 1 }
    for (row, number) in zip(rows, numbers) where row.count != columns.count {
      throw Failure(.format, "row \(number) has \(row.count) cells where there are \(columns.count) columns")
    }
  }

  /// A line of a file with these cells, without its end.
  package static func line(_ cells: [String]) -> String { cells.map { quoted($0) }.joined(separator: ",") }

  private static func quoted(_ cell: String) -> String {
    // Compares scalars, since a line end of CR and LF is one character.
    guard cell.unicodeScalars.contains(where: { ",\"\n\r".unicodeScalars.contains($0) }) else { return cell }
    var text = "\""
    for scalar in cell.unicodeScalars { text += scalar == "\"" ? "\"\"" : String(scalar) }
    return text + "\""
  }

  /// The separator of a text, and the text without a line that names it (`sep=;`, as Excel writes). Without such a line
  /// it is the candidate that occurs most often in the line of column names.
  private static func separator(_ text: String) -> (Character, String) {
    let text = text.hasPrefix("\u{FEFF}") ? String(text.unicodeScalars.dropFirst()) : text
    let lines = text.split(maxSplits: 1, omittingEmptySubsequences: false) { $0.isNewline }
    if let first = lines.first?.lowercased(), first.hasPrefix("sep="), first.count == 5, let separator = first.last {
      return (separator, lines.count > 1 ? String(lines[1]) : "")
    }
    let head = text.split { $0.isNewline }.first { $0.contains { !$0.isWhitespace } } ?? ""
    var counts: [Character: Int] = [:]
    var isQuoted = false
    for character in head {
      if character == "\"" { isQuoted.toggle() } else if !isQuoted { counts[character, default: 0] += 1 }
    }
    let best = [";", "\t"].max { counts[$0, default: 0] < counts[$1, default: 0] } ?? ";"
    return (counts[best, default: 0] > counts[",", default: 0] ? best : ",", text)
  }

  /// The lines that are not empty, cut into cells, without blanks around these.
  private static func cells(_ text: String, separator: Character) throws(Failure) -> [[String]] {
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
      case separator:
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
