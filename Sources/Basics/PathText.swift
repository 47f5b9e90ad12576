/// Paths of files as text. A path is bytes, which old shares and cameras do not always write as UTF-8. As text, such a byte
/// is the character U+EF00 plus the byte (U+EF80...U+EFFF, of the private use area), which ``pathBytes`` turns back, so
/// that no two paths have the same text. Where a path's own UTF-8 has one of these characters, its bytes are taken one by
/// one in the same way.
extension String {
  /// - Parameter bytes: a path, up to the first NUL.
  package init(path bytes: UnsafePointer<CChar>) {
    if let text = String(validatingCString: bytes), !text.unicodeScalars.contains(where: \.isPathByte) {
      self = text
      return
    }
    var length = 0
    while bytes[length] != 0 { length += 1 }
    self.init(path: (0..<length).map { UInt8(bitPattern: bytes[$0]) })
  }

  package init(path bytes: [UInt8]) {
    self = ""
    var parser = UTF8.ForwardParser()
    var rest = bytes[...].makeIterator()
    var start = 0
    while true {
      let count: Int
      switch parser.parseScalar(from: &rest) {
      case .emptyInput: return
      case .error(let length): count = length
      case .valid(let encoded):
        let scalar = UTF8.decode(encoded)
        if !scalar.isPathByte {
          unicodeScalars.append(scalar)
          start += encoded.count
          continue
        }
        count = encoded.count
      }
      for byte in bytes[start..<min(start + count, bytes.count)] {
        if let scalar = Unicode.Scalar(UInt32(0xef00) + UInt32(byte)) { unicodeScalars.append(scalar) }
      }
      start += count
    }
  }

  /// The path's own bytes, with a NUL behind them, for functions of the system.
  package var pathBytes: [CChar] {
    var bytes: [CChar] = []
    for scalar in unicodeScalars {
      if scalar.isPathByte {
        bytes.append(CChar(truncatingIfNeeded: scalar.value))
      } else {
        for byte in UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter { bytes.append(CChar(bitPattern: byte)) }
      }
    }
    return bytes + [0]
  }

  /// For people and programs: with bytes that are not UTF-8 written as `\xNN`.
  package var shown: String {
    guard unicodeScalars.contains(where: \.isPathByte) else { return self }
    var text = ""
    for scalar in unicodeScalars {
      if scalar.isPathByte {
        text += "\\x" + String(scalar.value & 0xff, radix: 16)
      } else {
        text.unicodeScalars.append(scalar)
      }
    }
    return text
  }
}

extension Unicode.Scalar {
  fileprivate var isPathByte: Bool { 0xef80...0xefff ~= value }
}
