// Fields of a file that are read here and not by libhdf5.
extension Source {
  /// Reads a little-endian number of up to 8 bytes; nil beyond the end of the file, or when it does not fit an Int.
  func unsigned(_ position: Int, _ width: Int) -> Int? {
    guard let bytes = bytes(position, width) else { return nil }
    var value: UInt64 = 0
    for index in 0..<width { value |= UInt64(bytes[index]) << UInt64(8 * index) }
    return Int(exactly: value)
  }

  func matches(_ signature: String, at position: Int) -> Bool {
    bytes(position, signature.utf8.count)?.elementsEqual(signature.utf8) ?? false
  }

  func bytes(_ position: Int, _ length: Int) -> UnsafeRawBufferPointer? {
    UInt64(exactly: position).flatMap { bytes(at: $0, count: length) }
  }

  /// A range of the file; nil unless it lies within the file.
  func range(_ position: Int, _ length: Int) -> Range<Int>? {
    let size = file.count
    guard position >= 0, length >= 0, position <= size, length <= size - position else { return nil }
    return position..<position + length
  }
}
