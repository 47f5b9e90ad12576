import CHDF5Shim

// Checks of those values in an object's header that libhdf5 1.10 divides by, multiplies or iterates over without
// checking them. It must not see headers that fail. Headers of older formats have no checksum. (HDF5 File Format
// Specification, version 3.0, IV.A.2.)
extension ObjectHeader {
  /// Whether all messages of these kinds are as libhdf5 assumes.
  func isSound(in source: Source) -> Bool {
    messages.allSatisfy { message in
      if message.isShared { return true }
      let fields = Fields(source: source, body: message.body)
      switch message.type {
      case 0x01: return fields.isSoundDataspace
      case 0x03: return fields.isSoundDatatype(at: 0)
      case 0x05: return fields.isSoundFillValue
      case 0x08: return fields.isSoundLayout
      case 0x0b: return fields.isSoundPipeline
      case 0x0c: return fields.isSoundAttribute
      default: return true
      }
    }
  }
}

/// The body of a message, read by offsets within it and never beyond it.
private struct Fields {
  let source: Source
  let body: Range<Int>

  private static let contiguousLayout = 1
  private static let chunkedLayout = 2
  private static let virtualLayout = 3

  func unsigned(_ offset: Int, _ width: Int) -> Int? {
    guard offset >= 0, offset <= body.count, width <= body.count - offset else { return nil }
    return source.unsigned(body.lowerBound + offset, width)
  }

  private func has(_ count: Int) -> Bool { count <= body.count }

  /// Whether all extents are there. libhdf5 does not check their product; ``Dataset`` does.
  var isSoundDataspace: Bool {
    guard let version = unsigned(0, 1), let rank = unsigned(1, 1), let flags = unsigned(2, 1) else { return false }
    return has((version == 1 ? 8 : 4) + rank * (flags & 1 != 0 ? 16 : 8))
  }

  /// Whether numbers and texts have a size, and all their properties are there. Other types are never read, and not checked.
  func isSoundDatatype(at offset: Int) -> Bool {
    guard let kind = unsigned(offset, 1), let size = unsigned(offset + 4, 4) else { return false }
    switch kind & 0x0f {
    case 0: return size > 0 && has(offset + 12)
    case 1: return size > 0 && has(offset + 20)
    case 3: return size > 0
    case 9: return size > 0 && isSoundDatatype(at: offset + 8)
    default: return true
    }
  }

  /// Whether the bytes that version 3 of the message announces are there, since libhdf5 copies as many.
  var isSoundFillValue: Bool {
    guard unsigned(0, 1) == 3 else { return true }
    guard let flags = unsigned(1, 1) else { return false }
    return flags & 0x20 == 0 || unsigned(2, 4).map { has(6 + $0) } ?? false
  }

  /// Whether chunks have 1 to ``CHDF5_MAXIMUM_RANK`` extents and an element size, none of which is 0, and a size within
  /// 32 bits.
  var isSoundLayout: Bool {
    guard let version = unsigned(0, 1) else { return false }
    let (kind, count, first, width): (Int?, Int?, Int, Int?)
    switch version {
    case 1, 2: (kind, count, first, width) = (unsigned(2, 1), unsigned(1, 1), 16, 4)
    case 3: (kind, count, first, width) = (unsigned(1, 1), unsigned(2, 1), 11, 4)
    case 4: (kind, count, first, width) = (unsigned(1, 1), unsigned(3, 1), 5, unsigned(4, 1))
    default: return false
    }
    guard let kind, kind <= (version == 4 ? Self.virtualLayout : Self.chunkedLayout) else { return false }
    guard kind == Self.chunkedLayout else {
      // Only the oldest versions have the extents of other layouts, which are not used.
      return version > 2 || kind != Self.contiguousLayout || count.map { has(16 + 4 * $0) } ?? false
    }
    guard let count, let width, (2...Int(CHDF5_MAXIMUM_RANK) + 1).contains(count), (1...8).contains(width) else {
      return false
    }
    var size = 1
    for index in 0..<count {
      guard let extent = unsigned(first + index * width, width), extent > 0, extent <= Int(UInt32.max) / size else {
        return false
      }
      size *= extent
    }
    return true
  }

  /// Whether names of filters end where they should, and their values are there.
  var isSoundPipeline: Bool {
    guard let version = unsigned(0, 1), let count = unsigned(1, 1) else { return false }
    var offset = version == 1 ? 8 : 2
    for _ in 0..<count {
      guard let filter = unsigned(offset, 2) else { return false }
      let isNamed = version == 1 || filter >= 256
      guard let nameSize = isNamed ? unsigned(offset + 2, 2) : 0,
        let valueCount = unsigned(offset + (isNamed ? 6 : 4), 2)
      else { return false }
      let name = offset + (isNamed ? 8 : 6)
      guard nameSize == 0 || isText(at: name, size: nameSize) else { return false }
      offset = name + nameSize + 4 * (valueCount + (version == 1 ? valueCount % 2 : 0))
      guard has(offset) else { return false }
    }
    return true
  }

  /// Whether name, type, extents and values are within the message, and the name ends.
  var isSoundAttribute: Bool {
    guard let version = unsigned(0, 1), let flags = unsigned(1, 1), let nameSize = unsigned(2, 2),
      let typeSize = unsigned(4, 2), let spaceSize = unsigned(6, 2)
    else { return false }
    func padded(_ size: Int) -> Int { version == 1 ? (size + 7) & ~7 : size }
    let name = version == 3 ? 9 : 8
    let type = name + padded(nameSize)
    let space = type + padded(typeSize)
    guard isText(at: name, size: nameSize), has(space + spaceSize) else { return false }
    // Shared parts are stored elsewhere.
    let isTypeShared = version > 1 && flags & 0x01 != 0
    let isSpaceShared = version > 1 && flags & 0x02 != 0
    guard isTypeShared || part(type, typeSize).isSoundDatatype(at: 0) else { return false }
    guard isSpaceShared || part(space, spaceSize).isSoundDataspace else { return false }
    guard !isTypeShared, !isSpaceShared else { return true }
    return holdsValues(of: part(type, typeSize), part(space, spaceSize), at: space + padded(spaceSize))
  }

  private func holdsValues(of type: Fields, _ space: Fields, at offset: Int) -> Bool {
    guard var size = type.unsigned(4, 4), let version = space.unsigned(0, 1), let rank = space.unsigned(1, 1) else {
      return false
    }
    let isEmpty = version == 2 && space.unsigned(3, 1) == 2
    for axis in 0..<rank where !isEmpty {
      guard let extent = space.unsigned((version == 1 ? 8 : 4) + 8 * axis, 8) else { return false }
      let (product, overflow) = size.multipliedReportingOverflow(by: extent)
      guard !overflow else { return false }
      size = product
    }
    return isEmpty || size <= body.count - offset
  }

  private func part(_ offset: Int, _ size: Int) -> Fields {
    Fields(source: source, body: body.lowerBound + offset..<body.lowerBound + offset + size)
  }

  /// Whether a NUL is among so many bytes.
  private func isText(at offset: Int, size: Int) -> Bool {
    has(offset + size) && source.bytes(body.lowerBound + offset, size)?.contains(0) ?? false
  }
}
