import Basics
import FoundationEssentials

extension String {
  /// A size in bytes with a binary unit, e.g. "12.3 MiB".
  init(byteCount: Int) {
    let units = ["bytes", "KiB", "MiB", "GiB", "TiB"]
    var value = Double(byteCount)
    var unit = 0
    while value >= 1024, unit < units.count - 1 {
      value /= 1024
      unit += 1
    }
    self.init(value, decimals: unit == 0 ? 0 : 1)
    self += " " + units[unit]
  }

  /// A time as "1:02:03" or "2:03".
  init(seconds: Double) {
    let total = Int(Swift.min(Swift.max(seconds, 0), 1e9).rounded())
    let (hours, minutes, rest) = (total / 3600, total / 60 % 60, total % 60)
    func twoDigits(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    self = hours > 0 ? "\(hours):\(twoDigits(minutes)):\(twoDigits(rest))" : "\(minutes):\(twoDigits(rest))"
  }

  /// A size as options take it: "640x480".
  init(width: Int, height: Int) { self = "\(width)x\(height)" }

  /// A size of frames or maps in words: "640x480 pixels".
  init(pixels width: Int, _ height: Int) { self = String(width: width, height: height) + " pixels" }

  /// A moment in UTC: "2026-11-28 15:04 UTC".
  init(_ date: Date) {
    // "2026-11-28T15:04:05Z"
    self = "\(date.ISO8601Format().prefix(16).split(separator: "T").joined(separator: " ")) UTC"
  }

  /// Padded on the left to a width.
  func aligned(to width: Int) -> String { String(repeating: " ", count: Swift.max(width - count, 0)) + self }

  func padded(to width: Int) -> String { self + String(repeating: " ", count: Swift.max(width - count, 0)) }
}

extension Date {
  /// Now, or the moment that `SOURCE_DATE_EPOCH` sets for files that are to be the same each time.
  static var reproducibleNow: Date {
    ProcessInfo.processInfo.environment["SOURCE_DATE_EPOCH"].flatMap { TimeInterval($0) }
      .map { Date(timeIntervalSince1970: $0) } ?? Date.now
  }
}

extension Double {
  /// Rounded to so many significant decimal digits.
  func rounded(toDigits digits: Int) -> Double { Double(String(self, digits: digits)) ?? self }
}

extension Duration {
  var seconds: Double { Double(components.seconds) + 1e-18 * Double(components.attoseconds) }

  /// Milliseconds to four significant digits; further ones are noise.
  var milliseconds: Double { (1000 * seconds).rounded(toDigits: 4) }
}
