import Basics
import Glibc

/// Owned, zeroed float memory aligned to 64 bytes (a cache line, the widest vector).
package final class FloatBuffer {
  package let base: UnsafeMutablePointer<Float>
  package let count: Int

  /// Fails with `.outOfMemory` when the memory cannot be had; a size of 0 is allowed.
  package init(count: Int) throws(Failure) {
    let bytes = checkedProduct([max(count, 1), MemoryLayout<Float>.stride])
    var raw: UnsafeMutableRawPointer?
    guard count >= 0, let bytes, posix_memalign(&raw, 64, bytes) == 0, let raw else {
      throw Failure(.outOfMemory, "no memory for \(count) floats")
    }
    memset(raw, 0, bytes)
    self.base = raw.bindMemory(to: Float.self, capacity: max(count, 1))
    self.count = count
  }

  package convenience init(_ values: [Float]) throws(Failure) {
    try self.init(count: values.count)
    values.withUnsafeBufferPointer { source in
      if let start = source.baseAddress { base.update(from: start, count: source.count) }
    }
  }

  deinit { free(base) }
}

/// Float memory that is written once, by its maker, and then only read: safe to share between threads.
package final class ConstantFloats: @unchecked Sendable {
  private let buffer: FloatBuffer

  package var base: UnsafePointer<Float> { UnsafePointer(buffer.base) }
  package var count: Int { buffer.count }

  package init(_ values: [Float]) throws(Failure) { buffer = try FloatBuffer(values) }
}
