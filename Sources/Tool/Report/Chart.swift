import Evaluation

/// A drawing with two axes, as SVG.
struct Chart {
  let title: String
  /// What the axes count, from 0 or another value to an end.
  let x: Axis
  let y: Axis
  private var marks: [String] = []

  struct Axis {
    let name: String
    let range: ClosedRange<Double>
    /// Decimals of the numbers beside it.
    var decimals = 1
  }

  private static let size = (width: 350.0, height: 300.0)
  /// Where the drawing area lies.
  private static let area = (left: 46.0, top: 10.0, right: 330.0, bottom: 258.0)

  init(_ title: String, x: Axis, y: Axis) {
    self.title = title
    self.x = x
    self.y = y
  }

  /// A curve by ascending rate.
  mutating func add(_ curve: Curve?, class name: String) {
    guard let curve else { return }
    let points = curve.points.map { "\(place($0.rate, x, horizontal)),\(place($0.share, y, vertical))" }
    marks.append("<polyline class=\"line \(name)\" points=\"\(points.joined(separator: " "))\"/>")
  }

  /// A bar from 0 to a value.
  mutating func addBar(_ range: ClosedRange<Double>, height: Double, class name: String) {
    let (left, right) = (place(range.lowerBound, x, horizontal), place(range.upperBound, x, horizontal))
    let top = place(height, y, vertical)
    marks.append(
      "<rect class=\"\(name)\" x=\"\(left)\" y=\"\(top)\" width=\"\(right - left)\" height=\"\(Self.area.bottom - top)\"/>"
    )
  }

  /// A line upright through all of the drawing.
  mutating func addUpright(_ value: Double, class name: String) {
    guard x.range.contains(value) else { return }
    let place = place(value, x, horizontal)
    marks.append(
      "<line class=\"\(name)\" x1=\"\(place)\" x2=\"\(place)\" y1=\"\(Self.area.top)\" y2=\"\(Self.area.bottom)\"/>")
  }

  /// The whole drawing with its title below.
  var html: String {
    let (left, top, right, bottom) = Self.area
    var parts: [String] = []
    for step in 0...5 {
      let share = Double(step) / 5
      let (column, row) = (round(left + share * (right - left)), round(bottom - share * (bottom - top)))
      parts.append("<line class=\"grid\" x1=\"\(column)\" x2=\"\(column)\" y1=\"\(top)\" y2=\"\(bottom)\"/>")
      parts.append("<line class=\"grid\" x1=\"\(left)\" x2=\"\(right)\" y1=\"\(row)\" y2=\"\(row)\"/>")
      parts.append("<text x=\"\(column)\" y=\"\(bottom + 15)\" text-anchor=\"middle\">\(number(share, x))</text>")
      parts.append("<text x=\"\(left - 6)\" y=\"\(row + 4)\" text-anchor=\"end\">\(number(share, y))</text>")
    }
    let middle = (left + right) / 2
    parts.append("<text x=\"\(middle)\" y=\"\(bottom + 34)\" text-anchor=\"middle\">\(HTML.escaped(x.name))</text>")
    let (across, up) = (11.0, (top + bottom) / 2)
    parts.append(
      "<text x=\"\(across)\" y=\"\(up)\" text-anchor=\"middle\" transform=\"rotate(-90 \(across) \(up))\">"
        + "\(HTML.escaped(y.name))</text>")
    parts += marks
    parts.append(
      "<rect class=\"frame\" x=\"\(left)\" y=\"\(top)\" width=\"\(right - left)\" height=\"\(bottom - top)\"/>")
    let (width, height) = (Int(Self.size.width), Int(Self.size.height))
    return "<figure><svg width=\"\(width)\" height=\"\(height)\" role=\"img\" aria-label=\"\(HTML.escaped(title))\">\n"
      + parts.joined(separator: "\n") + "\n</svg><figcaption>\(HTML.escaped(title))</figcaption></figure>\n"
  }

  private var horizontal: (Double, Double) { (Self.area.left, Self.area.right) }
  private var vertical: (Double, Double) { (Self.area.bottom, Self.area.top) }

  private func number(_ share: Double, _ axis: Axis) -> String {
    String(axis.range.lowerBound + share * (axis.range.upperBound - axis.range.lowerBound), decimals: axis.decimals)
  }

  /// A value's place in the drawing.
  private func place(_ value: Double, _ axis: Axis, _ ends: (Double, Double)) -> Double {
    let span = axis.range.upperBound - axis.range.lowerBound
    return round(ends.0 + (ends.1 - ends.0) * (span > 0 ? (value - axis.range.lowerBound) / span : 0))
  }

  /// To a tenth of a pixel.
  private func round(_ value: Double) -> Double { (value * 10).rounded() / 10 }
}
