import Basics

/// Reads and writes the C structs that a caller fills and that begin with `struct_size`, by the rules for older and newer callers.
enum CallerStruct {
  /// A larger size is taken for an uninitialised field rather than for a later version.
  private static let largestPlausibleSize = 4096

  /// The caller's struct, with the defaults for fields beyond its size.
  static func read<Struct: VersionedStruct & BitwiseCopyable>(
    _ pointer: UnsafePointer<Struct>?, _ name: StaticString, defaults: Struct = Struct()
  ) throws(Failure) -> Struct {
    guard let pointer else { throw Failure(.invalidArgument, "the \(name) is NULL") }
    let raw = UnsafeRawPointer(pointer)
    let size = try checkedSize(raw, name, firstSize: Struct.firstSize, knownSize: MemoryLayout<Struct>.size)
    var value = defaults
    withUnsafeMutableBytes(of: &value) { $0.copyMemory(from: UnsafeRawBufferPointer(start: raw, count: size)) }
    return value
  }

  /// Writes back as much of a struct as the caller knows, `struct_size` itself excepted.
  static func write<Struct: VersionedStruct & BitwiseCopyable>(
    _ value: Struct, to pointer: UnsafeMutablePointer<Struct>
  ) {
    let raw = UnsafeMutableRawPointer(pointer)
    let known = min(raw.loadUnaligned(as: Int.self), MemoryLayout<Struct>.size)
    let header = MemoryLayout<Int>.size
    withUnsafeBytes(of: value) { bytes in
      guard known > header, let start = bytes.baseAddress else { return }
      (raw + header).copyMemory(from: start + header, byteCount: known - header)
    }
  }

  /// Changes a struct that was checked before.
  static func update<Struct: VersionedStruct & BitwiseCopyable>(
    _ pointer: UnsafeMutablePointer<Struct>, _ change: (inout Struct) -> Void
  ) {
    let raw = UnsafeRawPointer(pointer)
    let known = min(raw.loadUnaligned(as: Int.self), MemoryLayout<Struct>.size)
    var value = Struct()
    withUnsafeMutableBytes(of: &value) { $0.copyMemory(from: UnsafeRawBufferPointer(start: raw, count: known)) }
    change(&value)
    write(value, to: pointer)
  }

  /// The checked `struct_size`, at most `knownSize`.
  private static func checkedSize(
    _ raw: UnsafeRawPointer, _ name: StaticString, firstSize: Int, knownSize: Int
  ) throws(Failure) -> Int {
    let size = raw.loadUnaligned(as: Int.self)
    guard size >= firstSize, size <= largestPlausibleSize else {
      throw Failure(.structSize, "struct_size of the \(name) is \(size); this version's is \(knownSize)")
    }
    if size > knownSize {
      for offset in knownSize..<size where raw.load(fromByteOffset: offset, as: UInt8.self) != 0 {
        throw Failure(.structSize, "the \(name) sets a field that this version does not know")
      }
    }
    return min(size, knownSize)
  }

  /// Sets a struct to its defaults, for a caller that knows `size` bytes of it.
  static func initialize<Struct: VersionedStruct & BitwiseCopyable>(
    _ pointer: UnsafeMutablePointer<Struct>?, size: Int, _ name: StaticString, defaults: Struct
  ) throws(Failure) {
    guard let pointer else { throw Failure(.invalidArgument, "the \(name) is NULL") }
    guard size >= Struct.firstSize, size <= largestPlausibleSize else {
      throw Failure(
        .structSize, "the size of the \(name) is \(size); this version's is \(MemoryLayout<Struct>.size)")
    }
    let raw = UnsafeMutableRawPointer(pointer)
    memset(raw, 0, size)
    raw.storeBytes(of: size, as: Int.self)
    write(defaults, to: pointer)
  }
}

/// A caller's array of structs, whose `struct_size` in the first one is also the distance between them.
struct CallerArray<Struct: VersionedStruct & BitwiseCopyable> {
  private let base: UnsafePointer<Struct>
  private let stride: Int

  init(_ base: UnsafePointer<Struct>, _ name: StaticString) throws(Failure) {
    _ = try CallerStruct.read(base, name)
    self.base = base
    stride = UnsafeRawPointer(base).loadUnaligned(as: Int.self)
  }

  /// Fails with `.structSize` when the element has another size than the first.
  func element(_ index: Int) throws(Failure) -> UnsafeMutablePointer<Struct> {
    let element = UnsafeRawPointer(base) + index &* stride
    guard element.loadUnaligned(as: Int.self) == stride else {
      throw Failure(.structSize, "its struct_size differs from the first element's")
    }
    // The caller's const struct is passed to functions that only read it.
    return UnsafeMutablePointer(mutating: element.assumingMemoryBound(to: Struct.self))
  }
}
