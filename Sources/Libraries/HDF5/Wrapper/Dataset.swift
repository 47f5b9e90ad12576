import Basics
import CHDF5Shim

/// A dataset of numbers in a file that is being read.
package struct Dataset {
  package let path: String
  package let shape: [Int]
  private let handle: Handle
  private let info: chdf5_dataset_info
  private let source: Source

  /// The largest number of chunks of one dataset; those of h5py are 8 KiB or more.
  private static let maximumChunkCount = 1 << 16

  init(_ handle: Handle, path: String, source: Source) throws(Failure) {
    var info = chdf5_dataset_info()
    guard chdf5_get_dataset_info(handle.id, &info) == 0 else { throw Failure(.format, "\(path): it is damaged") }
    guard info.layout != CHDF5_LAYOUT_OTHER, info.external_files == 0 else {
      throw Failure(.unsupported, "\(path): its values lie in other datasets or files")
    }
    guard info.rank >= 0 else {
      throw Failure(.format, "\(path): it has no extents, or more than \(CHDF5_MAXIMUM_RANK) axes")
    }
    guard info.kind == CHDF5_KIND_FLOAT || info.kind == CHDF5_KIND_INTEGER else {
      throw Failure(.format, "\(path): its type is neither IEEE floating point nor integer")
    }
    self.path = path
    self.handle = handle
    self.info = info
    self.source = source
    shape = try Self.extents(info.dims, rank: info.rank, path: path)
  }

  /// All values, as integers where they are stored as such of 8 bits, or of 16 with a sign, and else as float32. If they lie in
  /// order in the file, the tensor reads them from there; otherwise they are read into memory.
  package func tensor() throws(Failure) -> Tensor {
    let format = format
    let (count, chunks) = try check(for: Float.self)
    if let format, let stored = storedNumbers(format, count, chunks) {
      return try Tensor(shape: shape, stored: stored)
    }
    switch format {
    case .int8: return try Tensor(shape: shape, integers: convert(count) as [Int8])
    case .uint8, .int16: return try Tensor(shape: shape, integers: convert(count) as [Int16])
    case .float32, nil: return try Tensor(shape: shape, values: convert(count))
    }
  }

  /// How the values are stored, if readers know it.
  private var format: NumberFormat? {
    switch Int(info.native) {
    case CHDF5_FLOAT: .float32
    case CHDF5_INT8: .int8
    case CHDF5_UINT8: .uint8
    case CHDF5_INT16: .int16
    default: nil
    }
  }

  /// All values, row-major, converted to `Element` as in C.
  package func read<Element: StoredNumber>(_ type: Element.Type = Element.self) throws(Failure) -> [Element] {
    try convert(check(for: type).count)
  }

  /// Checks that all values are there and in proportion to the file's size; returns their number and their chunks.
  private func check<Element: StoredNumber>(
    for type: Element.Type
  ) throws(Failure) -> (count: Int, chunks: [Chunk]) {
    let width = max(MemoryLayout<Element>.stride, info.element_size)
    guard let count = checkedProduct(shape), let size = checkedProduct([count, width]) else {
      throw Failure(.format, "\(path): its size is out of proportion to the file's")
    }
    try source.take(size, for: path)
    guard count > 0 else { return (0, []) }
    if info.layout == CHDF5_LAYOUT_CHUNKED { return (count, try checkedChunks()) }
    guard info.filter_count == 0, info.stored_bytes >= UInt64(count * info.element_size) else {
      throw Failure(.format, "\(path): its values were not written")
    }
    return (count, [])
  }

  private func convert<Element: StoredNumber>(_ count: Int) throws(Failure) -> [Element] {
    if count == 0 { return [] }
    try checkMemory(for: count, of: Element.self)
    var status: Int32 = -1
    let values = [Element](unsafeUninitializedCapacity: count) { values, initialized in
      status = chdf5_read_dataset(handle.id, Element.code, values.baseAddress)
      initialized = status == 0 ? count : 0
    }
    guard status == 0 else { throw Failure(.format, "\(path): its values are damaged") }
    return values
  }

  /// The first `rank` elements of a C array of extents.
  private static func extents<Extents>(_ array: Extents, rank: Int32, path: String) throws(Failure) -> [Int] {
    let extents = withUnsafeBytes(of: array) {
      $0.bindMemory(to: UInt64.self).prefix(Int(rank)).map { Int(exactly: $0) }
    }
    let checked = extents.compactMap { $0 }
    guard checked.count == extents.count else { throw Failure(.format, "\(path): its extents are out of range") }
    return checked
  }
}

// MARK: Chunks

extension Dataset {
  /// A chunk in the file.
  private struct Chunk {
    let bytes: Range<Int>
    /// A bit for each filter that was skipped, the first filter's the lowest.
    let skippedFilters: UInt32
  }

  /// The chunks in row-major order. Checks that each exists and unpacks to exactly a chunk's size: libhdf5 1.10 does not, and with a
  /// wrong size it would read or write out of bounds.
  private func checkedChunks() throws(Failure) -> [Chunk] {
    let chunk = try Self.extents(info.chunk, rank: info.rank, path: path)
    guard chunk.allSatisfy({ $0 > 0 }), let chunkCount = checkedProduct(zip(shape, chunk).map { ($0 - 1) / $1 + 1 }),
      chunkCount <= Self.maximumChunkCount
    else { throw Failure(.format, "\(path): its chunks are out of proportion") }
    guard let chunkSize = checkedProduct(chunk + [info.element_size]), chunkSize <= source.allowance else {
      throw Failure(.format, "\(path): the size of its chunks is out of proportion to the file's")
    }

    let filters = try checkedFilters()
    var chunks: [Chunk] = []
    var offset = [UInt64](repeating: 0, count: chunk.count)
    for _ in 0..<chunkCount {
      chunks.append(try checkedChunk(at: offset, size: chunkSize, filters))
      for axis in chunk.indices.reversed() {
        offset[axis] += UInt64(chunk[axis])
        if offset[axis] < UInt64(shape[axis]) { break }
        offset[axis] = 0
      }
    }
    return chunks
  }

  private func checkedFilters() throws(Failure) -> [Int32] {
    guard info.filter_count <= CHDF5_MAXIMUM_FILTERS else { throw Failure(.unsupported, "\(path): too many filters") }
    let filters = withUnsafeBytes(of: info.filters) {
      Array($0.bindMemory(to: Int32.self).prefix(Int(info.filter_count)))
    }
    let known = [CHDF5_FILTER_SHUFFLE, CHDF5_FILTER_DEFLATE, CHDF5_FILTER_FLETCHER32].map { Int32($0) }
    guard filters.allSatisfy(known.contains), Set(filters).count == filters.count else {
      throw Failure(.unsupported, "\(path): it has a filter other than shuffle, deflate and Fletcher32")
    }
    return filters
  }

  /// Computes a chunk's size through the filters, in the order of writing.
  private func checkedChunk(
    at offset: [UInt64], size chunkSize: Int, _ filters: [Int32]
  ) throws(Failure) -> Chunk {
    var (address, stored, skipped) = (UInt64.max, UInt64.max, UInt32.max)
    guard chdf5_get_chunk(handle.id, offset, &address, &stored, &skipped) == 0,
      let start = Int(exactly: address), let length = Int(exactly: stored),
      start <= source.file.count, length <= source.file.count - start, length > 0
    else { throw Failure(.format, "\(path): a chunk of its values is missing or outside the file") }

    var size = chunkSize
    var deflated: Int?
    for (index, filter) in filters.enumerated() where skipped >> UInt32(index) & 1 == 0 {
      switch Int(filter) {
      case Int(CHDF5_FILTER_DEFLATE): (deflated, size) = (size, 0)
      case Int(CHDF5_FILTER_FLETCHER32): size += 4
      case _ where deflated != nil: throw Failure(.unsupported, "\(path): its filters are in an unusual order")
      default: break
      }
    }
    // After deflate, `size` is the number of bytes behind the compressed stream.
    var isRight = length == size
    if let deflated {
      let stream = source.bytes(at: address, count: max(length - size, 0))
      isRight = length >= size && chdf5_inflated_size(stream?.baseAddress, length - size, deflated) == deflated
    }
    guard isRight else { throw Failure(.format, "\(path): a chunk of its values has the wrong size") }
    return Chunk(bytes: start..<start + length, skippedFilters: skipped)
  }
}

// MARK: Values where they lie

extension Dataset {
  /// The values in the file; nil unless they lie row by row. Checksums are checked when they are read.
  private func storedNumbers(_ format: NumberFormat, _ count: Int, _ chunks: [Chunk]) -> StoredNumbers? {
    guard count > 0 else { return nil }
    let size = count * format.byteCount
    let runs = info.layout == CHDF5_LAYOUT_CHUNKED ? chunkedRuns(size, chunks) : contiguousRun(size).map { [$0] }
    return runs.map { StoredNumbers(format, path: path, file: source.file, runs: $0) }
  }

  private func contiguousRun(_ size: Int) -> StoredNumbers.Run? {
    guard info.layout == CHDF5_LAYOUT_CONTIGUOUS, let start = Int(exactly: info.address),
      start <= source.file.count, size <= source.file.count - start
    else { return nil }
    return StoredNumbers.Run(values: start..<start + size, padding: nil)
  }

  /// The runs of the chunks' values; nil unless chunks are whole rows and have no filter but Fletcher32.
  private func chunkedRuns(_ size: Int, _ chunks: [Chunk]) -> [StoredNumbers.Run]? {
    let extents = withUnsafeBytes(of: info.chunk) { $0.bindMemory(to: UInt64.self).prefix(shape.count).map { Int($0) } }
    let isChecked = info.filter_count == 1 && info.filters.0 == CHDF5_FILTER_FLETCHER32
    guard isChecked || info.filter_count == 0, extents.dropFirst() == shape.dropFirst() else { return nil }

    var runs: [StoredNumbers.Run] = []
    var rest = size
    for chunk in chunks {
      guard chunk.skippedFilters == 0 else { return nil }
      let all = chunk.bytes.dropLast(isChecked ? 4 : 0)
      // The last chunk may reach beyond the last row.
      let values = all.prefix(rest)
      runs.append(StoredNumbers.Run(values: values, padding: isChecked ? all.count - values.count : nil))
      rest -= values.count
    }
    return runs
  }
}
