import Basics
import CHDF5Shim

/// A group of a file that is being built.
///
/// Everything is stored where HDF5 has a checksum: text has a fixed length, since the heap of variable-length text has
/// none, and datasets are chunked with Fletcher32.
package struct GroupWriter {
  private let path: String
  /// The group's identifier; nil for the root, whose identifier is the file's and belongs to ``FileImage``.
  private let handle: Handle?
  private let id: chdf5_id

  /// The largest chunk in bytes, unless a row is larger. Such a chunk is checked and copied while it is in the
  /// processor's cache.
  private static let chunkBytes = 1 << 18

  init(root file: chdf5_id) {
    path = ""
    handle = nil
    id = file
  }

  private init(_ handle: Handle, path: String) {
    self.path = path
    self.handle = handle
    id = handle.id
  }

  package func group(_ name: String) throws(Failure) -> GroupWriter {
    try check(name)
    guard let group = Handle(chdf5_create_group(id, name)) else { throw failed(name) }
    return GroupWriter(group, path: "\(path)/\(name)")
  }

  /// Makes a link to an object of another file.
  package func link(_ name: String, file: String, object: String) throws(Failure) {
    try check(name)
    guard chdf5_create_external_link(id, name, file, object) == 0 else { throw failed(name) }
  }

  /// Writes values in row-major order, stored as `Stored`.
  package func write<Element: StoredNumber, Stored: StoredNumber>(
    _ name: String, shape: [Int], _ values: [Element], as stored: Stored.Type
  ) throws(Failure) {
    try values.withUnsafeBufferPointer { (values) throws(Failure) in
      try write(name, shape: shape, values, as: stored)
    }
  }

  package func write<Element: StoredNumber, Stored: StoredNumber>(
    _ name: String, shape: [Int], _ values: UnsafeBufferPointer<Element>, as stored: Stored.Type
  ) throws(Failure) {
    try check(name)
    guard shape.count <= Int(CHDF5_MAXIMUM_RANK), checkedProduct(shape) == values.count else {
      throw Failure(.invalidArgument, "\(path)/\(name): the shape \(shape) cannot be stored")
    }
    let dims = shape.map { UInt64($0) }
    let status =
      if values.isEmpty || shape.isEmpty {
        chdf5_write_dataset(id, name, Element.code, Stored.code, Int32(dims.count), dims, nil, values.baseAddress)
      } else {
        chdf5_write_dataset(
          id, name, Element.code, Stored.code, Int32(dims.count), dims,
          Self.chunk(of: dims, width: MemoryLayout<Stored>.stride), values.baseAddress)
      }
    guard status == 0 else { throw failed(name) }
  }

  package func set(_ name: String, _ value: Int) throws(Failure) {
    try setNumbers(name, [Int64(value)], count: 0)
  }

  package func set<Element: StoredNumber>(_ name: String, _ value: Element) throws(Failure) {
    try setNumbers(name, [value], count: 0)
  }

  package func set<Element: StoredNumber>(_ name: String, _ values: [Element]) throws(Failure) {
    try setNumbers(name, values, count: values.count)
  }

  package func set(_ name: String, _ text: String) throws(Failure) { try setTexts(name, [text], count: 0) }

  package func set(_ name: String, _ texts: [String]) throws(Failure) { try setTexts(name, texts, count: texts.count) }

  private func setNumbers<Element: StoredNumber>(_ name: String, _ values: [Element], count: Int) throws(Failure) {
    try check(name)
    guard chdf5_write_attribute(id, name, Element.code, count, values) == 0 else { throw failed(name) }
  }

  private func setTexts(_ name: String, _ texts: [String], count: Int) throws(Failure) {
    try check(name)
    guard !texts.isEmpty, texts.allSatisfy({ !$0.utf8.contains(0) }) else {
      throw Failure(.invalidArgument, "\(path): the text of \(name) is empty or contains NUL")
    }
    let length = max(texts.map(\.utf8.count).max() ?? 0, 1)
    guard let size = checkedProduct([length, texts.count]), size <= Group.maximumTextBytes else {
      throw Failure(.invalidArgument, "\(path): the text of \(name) exceeds \(Group.maximumTextBytes) bytes")
    }
    let bytes = texts.flatMap { Array($0.utf8) + [UInt8](repeating: 0, count: length - $0.utf8.count) }
    guard chdf5_write_text(id, name, length, count, bytes) == 0 else { throw failed(name) }
  }

  /// The extents of a chunk: whole rows of the first axis, about as many in each chunk.
  private static func chunk(of dims: [UInt64], width: Int) -> [UInt64] {
    let row = dims.dropFirst().reduce(UInt64(width), *)
    let chunkCount = (dims[0] - 1) / max(UInt64(chunkBytes) / row, 1) + 1
    return [(dims[0] - 1) / chunkCount + 1] + dims.dropFirst()
  }

  private func check(_ name: String) throws(Failure) {
    guard isPlainName(name) else {
      throw Failure(.invalidArgument, "\(path): the name '\(name)' contains '/' or NUL, or is empty or '.'")
    }
  }

  private func failed(_ name: String) -> Failure {
    Failure(.outOfMemory, "\(path)/\(name): it cannot be stored")
  }
}
