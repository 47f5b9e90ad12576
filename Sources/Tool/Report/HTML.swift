import Basics
import FoundationEssentials
import PNG

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
    <meta name="viewport" content="width=device-width, initial-scale=1">
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

  /// Nearly everybody can tell blue and orange apart, on a light or a dark background.
  private static let style = """
    :root { color-scheme: light dark; --text: #1d2733; --soft: #51606f; --line: #d5dbe3; --ground: #fff;
      --good: #1f6fb2; --defective: #d1601f; --wrong: #b3261e; }
    @media (prefers-color-scheme: dark) { :root { --text: #e3e8ee; --soft: #a3afbc; --line: #3a4551; --ground: #14191f;
      --good: #6db3f2; --defective: #f29a5c; --wrong: #ff8a80; } }
    * { box-sizing: border-box; }
    body { font: 15px/1.5 system-ui, sans-serif; color: var(--text); background: var(--ground); max-width: 76em;
      margin: 2em auto; padding: 0 1em; }
    h1 { font-size: 1.6em; line-height: 1.25; overflow-wrap: anywhere; }
    h2 { font-size: 1.3em; margin-top: 2.5em; border-bottom: 1px solid var(--line); }
    h3 { font-size: 1em; margin: 1.8em 0 .5em; } p { max-width: 50em; overflow-wrap: anywhere; }
    .wide { overflow-x: auto; } table { border-collapse: collapse; margin: 1em 0; font-variant-numeric: tabular-nums; }
    th, td { padding: .25em .8em; text-align: right; border-bottom: 1px solid var(--line); }
    th { font-weight: 600; font-size: .85em; color: var(--soft); vertical-align: bottom; }
    th:first-child, td:first-child { text-align: left; padding-left: 0; }
    dl { display: grid; grid-template-columns: max-content 1fr; gap: .1em 1em; } dt { color: var(--soft); }
    dd { margin: 0; overflow-wrap: anywhere; } details { margin: 1em 0; } summary { cursor: pointer; }
    .row { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 20em), 1fr)); gap: 1em; }
    figure { margin: 0; } figcaption { font-size: .85em; color: var(--soft); overflow-wrap: anywhere; }
    figcaption b { color: var(--text); font-variant-numeric: tabular-nums; }
    .wrong b { color: var(--wrong); }
    img { width: calc(50% - .2em); } img + img { margin-left: .4em; }
    svg { display: block; width: 100%; max-width: 27em; font: 12px system-ui, sans-serif; fill: var(--soft); }
    .frame { fill: none; stroke: var(--soft); } .grid { stroke: var(--line); } .line { fill: none; stroke-width: 2; }
    .line.paper { stroke: var(--good); } .line.deployed { stroke: var(--defective); stroke-dasharray: 6 4; }
    .bar { opacity: .65; } .bar.good { fill: var(--good); } .bar.defective { fill: var(--defective); }
    .threshold { stroke: var(--text); stroke-width: 1.5; } .threshold.review { stroke-dasharray: 6 3; }
    .threshold.low { stroke-dasharray: 2 3; }
    .key { white-space: nowrap; margin-left: 1em; } .key:first-of-type { margin-left: .6em; }
    .key i { display: inline-block; width: .8em; height: .8em; margin-right: .3em; vertical-align: -.05em; }
    i.paper, i.good { background: var(--good); } i.deployed, i.defective { background: var(--defective); }
    i.threshold { width: 0; border-left: 2px solid var(--text); } i.threshold.review { border-left-style: dashed; }
    i.threshold.low { border-left-style: dotted; }
    .scale { display: flex; align-items: center; gap: .6em; font-size: .85em; color: var(--soft);
      font-variant-numeric: tabular-nums; margin-bottom: 0; }
    .caption { font-size: .85em; color: var(--soft); margin-top: .2em; }
    .scale i { flex: 0 1 14em; height: .9em; border: 1px solid var(--line); }
    @media print { details > * { display: block; } figure { break-inside: avoid; } }
    """
}
