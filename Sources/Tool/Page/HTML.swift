import FoundationEssentials

/// Makes pieces of HTML.
enum HTML {
  /// Text with HTML's special characters escaped.
  static func escaped(_ text: String) -> String {
    var escaped = ""
    for character in text {
      switch character {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "\"": escaped += "&quot;"
      default: escaped.append(character)
      }
    }
    return escaped
  }

  /// A table whose first row is its head; the first column is text, the others are numbers. It scrolls where the page is
  /// narrower.
  static func table(_ rows: [[String]]) -> String {
    let lines = rows.enumerated().map { index, row in
      let tag = index == 0 ? "th" : "td"
      return "<tr>" + row.map { "<\(tag)>\(escaped($0))</\(tag)>" }.joined() + "</tr>"
    }
    return "<div class=\"wide\"><table>\n\(lines.joined(separator: "\n"))\n</table></div>\n"
  }

  /// A list of names and values.
  static func list(_ rows: [(String, String)]) -> String {
    "<dl>" + rows.map { "<dt>\(escaped($0))</dt><dd>\(escaped($1))</dd>" }.joined(separator: "\n") + "</dl>\n"
  }

  /// A part that a click shows.
  static func details(_ title: String, _ body: String) -> String {
    "<details><summary>\(escaped(title))</summary>\n\(body)</details>\n"
  }

  /// A moment, which the script of all pages turns into the reader's own time.
  static func time(_ date: Date) -> String {
    let text = date.ISO8601Format()
    return "<time datetime=\"\(text)\">\(text.dropFirst(11).prefix(8)) UTC</time>"
  }

  /// A page that needs no other file, or of a server that gives the scripts.
  ///
  /// - Parameter scripts: what stands in the page's head; ``script`` within a page that is a file.
  static func page(title: String, scripts: String, body: String) -> String {
    """
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <link rel="icon" href="data:,">
    <title>\(escaped(title))</title>
    <style>
    \(text(PackageResources.page_css))</style>
    \(scripts)
    </head>
    <body>
    \(body)
    </body>
    </html>

    """
  }

  /// The script of all pages, in place.
  static var script: String { "<script>\n\(text(PackageResources.page_js))</script>" }

  private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
