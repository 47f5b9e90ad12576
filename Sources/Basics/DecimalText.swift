/// Numbers as text, independent of the locale.
extension String {
  /// A number with so many decimals.
  package init(_ value: Double, decimals: Int) { self.init(value, "%.*f", precision: decimals) }

  /// A number with so many significant digits, without zeros at its end.
  package init(_ value: Double, digits: Int) { self.init(value, "%.*g", precision: digits) }

  private init(_ value: Double, _ format: String, precision: Int) {
    // The C library writes the decimal point of the thread's locale, which is the host's. glibc allocates nothing for this one.
    let hosts = uselocale(newlocale(1 << LC_NUMERIC, "C", nil))
    defer { uselocale(hosts) }
    // The largest Double has 309 digits.
    let text = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 400) { buffer in
      guard let base = buffer.baseAddress else { return "" }
      _ = withVaList([Int32(precision), value]) { vsnprintf(base, buffer.count, format, $0) }
      return String(cString: base)
    }
    self = text
  }

  /// "1 frame", "2 frames".
  package init(_ count: Int, of noun: String) { self = "\(count) \(noun)\(count == 1 ? "" : "s")" }
}
