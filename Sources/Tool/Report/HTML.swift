import Basics
import FoundationEssentials
import PNG

/// Pieces of HTML.
enum HTML {
  /// Text as it is to be read.
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

  /// A table whose first row is its head; the first column is text, the others are numbers.
  static func table(_ rows: [[String]]) -> String {
    let lines = rows.enumerated().map { index, row in
      let tag = index == 0 ? "th" : "td"
      return "<tr>" + row.map { "<\(tag)>\(escaped($0))</\(tag)>" }.joined() + "</tr>"
    }
    return "<table>\n\(lines.joined(separator: "\n"))\n</table>\n"
  }

  /// An image within the page.
  static func image(_ rgb: UnsafePointer<UInt8>, width: Int, height: Int, description: String) throws(Failure) -> String
  {
    let png = try PNG.encode(pixels: rgb, width: width, height: height, stride: 3 * width, channels: 3)
    return "<img alt=\"\(escaped(description))\" src=\"data:image/png;base64,\(Data(png).base64EncodedString())\">"
  }

  /// A page that needs no other file.
  static func page(title: String, body: String) -> String {
    """
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <title>\(escaped(title))</title>
    <style>
    \(style)
    </style>
    </head>
    <body>
    <h1>\(escaped(title))</h1>
    \(body)
    </body>
    </html>

    """
  }

  private static let style = """
    body { font: 15px/1.5 system-ui, sans-serif; color: #1d2733; max-width: 76em; margin: 2em auto; padding: 0 1.5em; }
    h1 { font-size: 1.6em; } h2 { font-size: 1.3em; margin-top: 2.5em; border-bottom: 1px solid #d5dbe3; }
    h3 { font-size: 1em; margin: 1.6em 0 .5em; } p { max-width: 50em; }
    table { border-collapse: collapse; margin: 1em 0; font-variant-numeric: tabular-nums; }
    th, td { padding: .25em .8em; text-align: right; border-bottom: 1px solid #e4e8ee; }
    th { font-weight: 600; font-size: .85em; color: #51606f; vertical-align: bottom; }
    th:first-child, td:first-child { text-align: left; }
    .row { display: flex; flex-wrap: wrap; gap: 1.5em; } figure { margin: 0 0 1em; }
    figcaption { font-size: .85em; color: #51606f; max-width: 420px; overflow-wrap: anywhere; }
    img { width: 206px; margin-right: 6px; } svg { font: 11px system-ui, sans-serif; fill: #51606f; }
    .frame { fill: none; stroke: #9aa7b4; } .grid { stroke: #e4e8ee; } .line { fill: none; stroke-width: 2; }
    .paper { stroke: #1f6f8b; } .deployed { stroke: #c8553d; stroke-dasharray: 5 3; }
    .good { fill: #1f6f8b; opacity: .6; } .defective { fill: #c8553d; opacity: .6; }
    .threshold { stroke: #1d2733; stroke-dasharray: 3 3; }
    .key { display: inline-block; width: .8em; height: .8em; margin: 0 .3em 0 1em; vertical-align: -0.05em; }
    """
}
