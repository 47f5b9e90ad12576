/// What a browser asks for.
package struct HTTPRequest: Sendable {
  package let method: String
  /// The path as it was sent, without the query.
  package let path: String
  /// The query's first value of each name, decoded.
  package let query: [String: String]
  package let body: [UInt8]
  /// The values of headers by their names in small letters.
  private let headers: [String: String]

  init(method: String, target: String, headers: [(name: String, value: String)], body: [UInt8]) {
    let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    self.method = method
    path = parts.first.map { String($0) } ?? ""
    query = parts.count > 1 ? Self.fields(parts[1]) : [:]
    self.headers = Dictionary(headers.map { ($0.name.lowercased(), $0.value) }) { first, _ in first }
    self.body = body
  }

  package func header(_ name: String) -> String? { headers[name] }

  /// The fields of a query or of a form, the first of each name.
  package static func fields(_ text: some StringProtocol) -> [String: String] {
    var fields: [String: String] = [:]
    for pair in text.split(separator: "&") {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, let name = decoded(parts[0]), let value = decoded(parts[1]) else { continue }
      if fields[name] == nil { fields[name] = value }
    }
    return fields
  }

  /// Text with `+` and `%41` replaced by what they stand for; nil when that is not text.
  private static func decoded(_ text: some StringProtocol) -> String? {
    var bytes: [UInt8] = []
    var rest = Substring(text).utf8
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "+"): bytes.append(UInt8(ascii: " "))
      case UInt8(ascii: "%"):
        guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
          return nil
        }
        bytes.append(value)
        rest = rest.dropFirst(2)
      default: bytes.append(byte)
      }
    }
    return String(validating: bytes, as: UTF8.self)
  }
}

/// What it gets.
package struct HTTPResponse: Sendable {
  package let status: Int
  package let type: String
  package let body: [UInt8]
  /// What tells this body from others at the same address; nil where nobody asks again.
  package let tag: String?

  package init(status: Int = 200, type: String, body: [UInt8], tag: String? = nil) {
    self.status = status
    self.type = type
    self.body = body
    self.tag = tag
  }

  package init(status: Int = 200, text: String) {
    self.init(status: status, type: "text/plain; charset=utf-8", body: Array(text.utf8))
  }

  /// What was asked for is what the browser has, by its tag.
  package static let unchanged = HTTPResponse(status: 304, type: "text/plain; charset=utf-8", body: [])
}
