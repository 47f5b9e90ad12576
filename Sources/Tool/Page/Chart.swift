import Evaluation

/// A drawing with two axes, as SVG. It shrinks with the page.
struct Chart {
  private let title: String
  private let x: Axis
  private let y: Axis
  private var marks: [String] = []
  private var key: [(name: String, style: String)] = []

  private static let size = (width: 360.0, height: 290.0)
  /// The drawing area.
  private static let area = (left: 52.0, top: 10.0, right: 346.0, bottom: 242.0)

  init(_ title: String, x: Axis, y: Axis) {
    self.title = title
    self.x = x
    self.y = y
  }

  /// Adds the meaning of a colour to the key.
  mutating func addKey(_ name: String, style: String) { key.append((name, style)) }

  /// Adds a curve by ascending rate.
  mutating func add(_ curve: Curve?, _ name: String, style: String) {
    guard let curve else { return }
    let points = curve.points.map { "\(across($0.rate)),\(up($0.share))" }
    marks.append("<polyline class=\"line \(style)\" points=\"\(points.joined(separator: " "))\"/>")
    addKey(name, style: style)
  }

  /// Adds a bar from 0 to a value.
  mutating func addBar(_ range: ClosedRange<Double>, height: Double, style: String) {
    let (left, right, top) = (across(range.lowerBound), across(range.upperBound), up(height))
    marks.append(
      "<rect class=\"bar \(style)\" x=\"\(left)\" y=\"\(top)\" width=\"\(round(right - left))\" "
        + "height=\"\(round(Self.area.bottom - top))\"/>")
  }

  /// Adds a vertical line through the whole drawing. Its name is in the key, since several lines may be close together.
  mutating func addUpright(_ value: Double, _ name: String, style: String) {
    guard x.range.contains(value) else { return }
    let place = across(value)
    marks.append(
      "<line class=\"\(style)\" x1=\"\(place)\" x2=\"\(place)\" y1=\"\(Self.area.top)\" y2=\"\(Self.area.bottom)\"/>")
    addKey(name, style: style)
  }

  /// Adds a horizontal line through the whole drawing.
  mutating func addLevel(_ value: Double, _ name: String, style: String) {
    guard y.range.contains(value) else { return }
    let place = up(value)
    marks.append(
      "<line class=\"\(style)\" x1=\"\(Self.area.left)\" x2=\"\(Self.area.right)\" y1=\"\(place)\" y2=\"\(place)\"/>")
    addKey(name, style: style)
  }

  /// The whole drawing with its title and key below.
  var html: String {
    let (left, top, right, bottom) = Self.area
    var parts: [String] = []
    for tick in x.ticks {
      let place = across(tick)
      parts.append("<line class=\"grid\" x1=\"\(place)\" x2=\"\(place)\" y1=\"\(top)\" y2=\"\(bottom)\"/>")
      parts.append("<text x=\"\(place)\" y=\"\(bottom + 17)\" text-anchor=\"middle\">\(x.text(tick))</text>")
    }
    for tick in y.ticks {
      let place = up(tick)
      parts.append("<line class=\"grid\" x1=\"\(left)\" x2=\"\(right)\" y1=\"\(place)\" y2=\"\(place)\"/>")
      parts.append("<text x=\"\(left - 6)\" y=\"\(place + 4)\" text-anchor=\"end\">\(y.text(tick))</text>")
    }
    let middle = (left + right) / 2
    parts.append("<text x=\"\(middle)\" y=\"\(bottom + 38)\" text-anchor=\"middle\">\(HTML.escaped(x.name))</text>")
    let (side, height) = (13.0, (top + bottom) / 2)
    parts.append(
      "<text x=\"\(side)\" y=\"\(height)\" text-anchor=\"middle\" transform=\"rotate(-90 \(side) \(height))\">"
        + "\(HTML.escaped(y.name))</text>")
    parts += marks
    parts.append(
      "<rect class=\"frame\" x=\"\(left)\" y=\"\(top)\" width=\"\(right - left)\" height=\"\(bottom - top)\"/>")
    let (width, total) = (Int(Self.size.width), Int(Self.size.height))
    let keys = key.map { "<span class=\"key\"><i class=\"\($0.style)\"></i>\(HTML.escaped($0.name))</span>" }.joined()
    return "<figure class=\"chart\"><svg viewBox=\"0 0 \(width) \(total)\" role=\"img\" "
      + "aria-label=\"\(HTML.escaped(title))\">\n\(parts.joined(separator: "\n"))\n</svg>"
      + "<figcaption><b>\(HTML.escaped(title))</b>\(keys)</figcaption></figure>\n"
  }

  /// A value's place in the drawing.
  private func across(_ value: Double) -> Double {
    round(Self.area.left + x.place(value) * (Self.area.right - Self.area.left))
  }

  private func up(_ value: Double) -> Double {
    round(Self.area.bottom + y.place(value) * (Self.area.top - Self.area.bottom))
  }

  /// Rounds to a tenth of a pixel.
  private func round(_ value: Double) -> Double { (value * 10).rounded() / 10 }
}
