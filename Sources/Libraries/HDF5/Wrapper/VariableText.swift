import Basics

/// Text of variable length in an attribute, read directly from the file's bytes.
///
/// libhdf5 1.10 trusts the lengths that it finds in a descriptor and in the global heap, neither of which has a
/// checksum, and crashes on a wrong one. The few structures that lead to the text are therefore read here (HDF5 File
/// Format Specification, version 3.0): the attribute message (IV.A.2.m) and the global heap (III.E). Attributes in
/// dense storage, which newer formats use for more than eight of them, and shared messages are not found.
struct VariableText {
  let source: Source

  private static let attributeMessage = 0x0c

  /// The texts of the attribute `name` with `count` elements of the object whose header is at `address`; nil when it is
  /// not found or damaged.
  func texts(of name: String, count: Int, header address: Int) -> [String]? {
    guard let data = attributeData(name, header: address) else { return nil }
    var texts: [String] = []
    for element in 0..<count {
      guard let length = source.unsigned(data + 16 * element, 4),
        let heap = source.unsigned(data + 16 * element + 4, 8),
        let index = source.unsigned(data + 16 * element + 12, 4),
        let text = heap == 0 ? "" : heapText(heap, index: index, length: length)
      else { return nil }
      texts.append(text)
    }
    return texts
  }

  /// The offset of the attribute's values.
  private func attributeData(_ name: String, header address: Int) -> Int? {
    guard let header = ObjectHeader(at: address, in: source) else { return nil }
    return header.messages.lazy.filter { $0.type == Self.attributeMessage && !$0.isShared }
      .compactMap { attributeData(name, message: $0.body.lowerBound) }.first
  }

  /// The offset of an attribute message's values, if it is that of `name`.
  private func attributeData(_ name: String, message body: Int) -> Int? {
    guard let version = source.unsigned(body, 1), (1...3).contains(version),
      let nameSize = source.unsigned(body + 2, 2),
      let typeSize = source.unsigned(body + 4, 2), let spaceSize = source.unsigned(body + 6, 2)
    else { return nil }
    let start = body + (version == 3 ? 9 : 8)
    guard let stored = text(start, nameSize), stored == name else { return nil }
    // Version 1 pads each part to a multiple of 8.
    let parts = [nameSize, typeSize, spaceSize].map { version == 1 ? ($0 + 7) & ~7 : $0 }
    return start + parts.reduce(0, +)
  }

  /// Object `index` of the global heap collection at `address`.
  private func heapText(_ address: Int, index: Int, length: Int) -> String? {
    guard source.matches("GCOL", at: address), let size = source.unsigned(address + 8, 8),
      let heap = source.range(address, size)
    else {
      return nil
    }
    var position = address + 16
    while position + 16 <= heap.upperBound {
      guard let found = source.unsigned(position, 2), found != 0, let size = source.unsigned(position + 8, 8),
        let object = source.range(position + 16, size)
      else { return nil }
      if found == index { return length <= object.count ? text(object.lowerBound, length) : nil }
      position = (object.upperBound + 7) & ~7
    }
    return nil
  }

  /// UTF-8 up to the first NUL.
  private func text(_ position: Int, _ length: Int) -> String? {
    source.bytes(position, length).flatMap { String(validating: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }
}
