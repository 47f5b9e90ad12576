import Basics
import Rendering

/// What the colours of heat maps mean.
enum HeatScale {
  /// - Parameter lines: what lines in other colours are around, beside the one at the threshold.
  static func html(_ overlay: Overlay, lines: String = "") -> String {
    let colors = (0...8).map { step -> String in
      let color = Overlay.color(Float(step) / 8)
      return "rgb(\(color.x) \(color.y) \(color.z))"
    }
    let line =
      overlay.threshold.map { ", with a cyan line around what is above \(String(Double($0), digits: 4))" } ?? ""
    return "<p class=\"scale\"><span>\(String(Double(overlay.low), digits: 4))</span>"
      + "<i style=\"background: linear-gradient(to right, \(colors.joined(separator: ", ")))\"></i>"
      + "<span>\(String(Double(overlay.high), digits: 4))</span></p>\n"
      + "<p class=\"caption\">Heat maps in these colours, as cflowad score --overlay draws them\(line)\(lines).</p>\n"
  }
}
