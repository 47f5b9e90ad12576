/// The messages of an object's header, found without libhdf5 (HDF5 File Format Specification, version 3.0, IV.A.1).
struct ObjectHeader {
  struct Message {
    let type: Int
    /// Whether it is stored elsewhere, as the body says.
    let isShared: Bool
    /// Its bytes in the file.
    let body: Range<Int>
  }

  private(set) var messages: [Message] = []

  private static let continuationMessage = 0x10
  /// The largest number of blocks of an object header; more would mean a cycle.
  private static let maximumBlockCount = 1000

  /// The header at `address`; nil when it is damaged.
  init?(at address: Int, in source: Source) {
    let isNew = source.matches("OHDR", at: address)
    guard let first = isNew ? Self.firstBlock(version2: address, source) : Self.firstBlock(version1: address, source)
    else { return nil }
    let hasOrder = isNew && (source.unsigned(address + 5, 1) ?? 0) & 0x04 != 0
    let prefix = isNew ? (hasOrder ? 6 : 4) : 8

    var blocks = [first]
    var next = 0
    while next < blocks.count, blocks.count < Self.maximumBlockCount {
      var position = blocks[next].lowerBound
      while position + prefix <= blocks[next].upperBound {
        guard let type = source.unsigned(position, isNew ? 1 : 2),
          let size = source.unsigned(position + (isNew ? 1 : 2), 2),
          let flags = source.unsigned(position + (isNew ? 3 : 4), 1),
          let body = source.range(position + prefix, size), body.upperBound <= blocks[next].upperBound
        else { return nil }
        messages.append(Message(type: type, isShared: flags & 0x02 != 0, body: body))
        if type == Self.continuationMessage {
          guard let block = Self.continuation(body.lowerBound, isNew: isNew, source) else { return nil }
          blocks.append(block)
        }
        position = body.upperBound
      }
      next += 1
    }
  }

  private static func firstBlock(version1 address: Int, _ source: Source) -> Range<Int>? {
    guard source.unsigned(address, 1) == 1, let size = source.unsigned(address + 8, 4) else { return nil }
    return source.range(address + 16, size)
  }

  private static func firstBlock(version2 address: Int, _ source: Source) -> Range<Int>? {
    guard source.unsigned(address + 4, 1) == 2, let flags = source.unsigned(address + 5, 1) else { return nil }
    let sizePosition = address + 6 + (flags & 0x20 != 0 ? 16 : 0) + (flags & 0x10 != 0 ? 4 : 0)
    let width = 1 << (flags & 0x03)
    guard let size = source.unsigned(sizePosition, width) else { return nil }
    return source.range(sizePosition + width, size)
  }

  /// The messages of a continuation block, which in version 2 lie between a signature and a checksum.
  private static func continuation(_ body: Int, isNew: Bool, _ source: Source) -> Range<Int>? {
    guard let start = source.unsigned(body, 8), let size = source.unsigned(body + 8, 8),
      let block = source.range(start, size)
    else { return nil }
    if !isNew { return block }
    return source.matches("OCHK", at: start) && size >= 8 ? start + 4..<start + size - 4 : nil
  }
}
