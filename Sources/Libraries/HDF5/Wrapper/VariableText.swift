import Basics

/// Text of variable length in an attribute, taken straight from the file's bytes.
///
/// libhdf5 1.10 trusts the lengths that it finds in a descriptor and in the global heap, neither of which has a checksum,
/// and dies of a wrong one. So the few structures on the way are read here (HDF5 File Format Specification, version 3.0):
/// object headers (IV.A.1), the attribute message (IV.A.2.m) and the global heap (III.E). Attributes in dense storage,
/// which HDF5 turns to above eight of them in its newer formats, and shared messages are not found.
struct VariableText {
  let source: Source

  private static let attributeMessage = 0x0c
  private static let continuationMessage = 0x10
  /// Blocks of one object header; more means a cycle.
  private static let maximumBlockCount = 1000

  /// The texts of the attribute `name` with `count` elements of the object whose header is at `address`; nil when it is
  /// not found or damaged.
  func texts(of name: String, count: Int, header address: Int) -> [String]? {
    guard let data = attributeData(name, header: address) else { return nil }
    var texts: [String] = []
    for element in 0..<count {
      guard let length = unsigned(data + 16 * element, 4), let heap = unsigned(data + 16 * element + 4, 8),
        let index = unsigned(data + 16 * element + 12, 4),
        let text = heap == 0 ? "" : heapText(heap, index: index, length: length)
      else { return nil }
      texts.append(text)
    }
    return texts
  }

  /// Where the attribute's values are.
  private func attributeData(_ name: String, header address: Int) -> Int? {
    let isNew = matches("OHDR", at: address)
    guard let first = isNew ? firstBlock(version2: address) : firstBlock(version1: address) else { return nil }
    let hasOrder = isNew && (unsigned(address + 5, 1) ?? 0) & 0x04 != 0
    let headerSize = isNew ? (hasOrder ? 6 : 4) : 8

    var blocks = [first]
    var next = 0
    while next < blocks.count, blocks.count < Self.maximumBlockCount {
      var position = blocks[next].lowerBound
      while position + headerSize <= blocks[next].upperBound {
        guard let type = unsigned(position, isNew ? 1 : 2), let size = unsigned(position + (isNew ? 1 : 2), 2),
          let flags = unsigned(position + (isNew ? 3 : 4), 1)
        else { return nil }
        let body = position + headerSize
        // The second flag: shared, stored elsewhere.
        if type == Self.attributeMessage, flags & 0x02 == 0, let data = attributeData(name, message: body) {
          return data
        }
        if type == Self.continuationMessage {
          guard let block = continuation(body, isNew: isNew) else { return nil }
          blocks.append(block)
        }
        position = body + size
      }
      next += 1
    }
    return nil
  }

  private func firstBlock(version1 address: Int) -> Range<Int>? {
    guard unsigned(address, 1) == 1, let size = unsigned(address + 8, 4) else { return nil }
    return range(address + 16, size)
  }

  private func firstBlock(version2 address: Int) -> Range<Int>? {
    guard unsigned(address + 4, 1) == 2, let flags = unsigned(address + 5, 1) else { return nil }
    let sizePosition = address + 6 + (flags & 0x20 != 0 ? 16 : 0) + (flags & 0x10 != 0 ? 4 : 0)
    let width = 1 << (flags & 0x03)
    guard let size = unsigned(sizePosition, width) else { return nil }
    return range(sizePosition + width, size)
  }

  /// The messages of a continuation block, which in version 2 lie between a signature and a checksum.
  private func continuation(_ body: Int, isNew: Bool) -> Range<Int>? {
    guard let start = unsigned(body, 8), let size = unsigned(body + 8, 8), let block = range(start, size) else {
      return nil
    }
    if !isNew { return block }
    return matches("OCHK", at: start) && size >= 8 ? start + 4..<start + size - 4 : nil
  }

  /// Where an attribute message's values are, when it is that of `name`.
  private func attributeData(_ name: String, message body: Int) -> Int? {
    guard let version = unsigned(body, 1), (1...3).contains(version), let nameSize = unsigned(body + 2, 2),
      let typeSize = unsigned(body + 4, 2), let spaceSize = unsigned(body + 6, 2)
    else { return nil }
    let start = body + (version == 3 ? 9 : 8)
    guard let stored = text(start, nameSize), stored == name else { return nil }
    // Version 1 pads each part to a multiple of 8.
    let parts = [nameSize, typeSize, spaceSize].map { version == 1 ? ($0 + 7) & ~7 : $0 }
    return start + parts.reduce(0, +)
  }

  /// Object `index` of the global heap collection at `address`.
  private func heapText(_ address: Int, index: Int, length: Int) -> String? {
    guard matches("GCOL", at: address), let size = unsigned(address + 8, 8), let heap = range(address, size) else {
      return nil
    }
    var position = address + 16
    while position + 16 <= heap.upperBound {
      guard let found = unsigned(position, 2), found != 0, let size = unsigned(position + 8, 8),
        let object = range(position + 16, size)
      else { return nil }
      if found == index { return length <= object.count ? text(object.lowerBound, length) : nil }
      position = (object.upperBound + 7) & ~7
    }
    return nil
  }

  /// UTF-8 up to the first NUL.
  private func text(_ position: Int, _ length: Int) -> String? {
    bytes(position, length).flatMap { String(validating: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }

  /// Little-endian; nil beyond the end of the file or of Int.
  private func unsigned(_ position: Int, _ width: Int) -> Int? {
    bytes(position, width).flatMap { Int(exactly: $0.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }) }
  }

  private func matches(_ signature: String, at position: Int) -> Bool {
    bytes(position, signature.utf8.count)?.elementsEqual(signature.utf8) ?? false
  }

  private func bytes(_ position: Int, _ length: Int) -> UnsafeRawBufferPointer? {
    UInt64(exactly: position).flatMap { source.bytes(at: $0, count: length) }
  }

  /// nil unless it lies within the file.
  private func range(_ position: Int, _ length: Int) -> Range<Int>? {
    let size = source.file.count
    guard position >= 0, length >= 0, position <= size, length <= size - position else { return nil }
    return position..<position + length
  }
}
