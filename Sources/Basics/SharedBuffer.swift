package typealias FloatBuffer = Buffer<Float>

package typealias SharedFloats = SharedBuffer<Float>

/// Memory that is written once, by its maker, and then only read, so that threads may share it.
package final class SharedBuffer<Element: BitwiseCopyable>: @unchecked Sendable {
  package let base: UnsafePointer<Element>
  package let count: Int
  /// Keeps the memory alive.
  private let owner: AnyObject

  /// - Parameter paddedCount: at least as many elements, with zeros behind the values.
  package init(_ values: [Element], paddedCount: Int = 0) throws(Failure) {
    let buffer = try Buffer<Element>(count: max(values.count, paddedCount))
    values.withUnsafeBufferPointer { source in
      if let start = source.baseAddress { buffer.base.update(from: start, count: source.count) }
    }
    (base, count, owner) = (UnsafePointer(buffer.base), buffer.count, buffer)
  }

  /// - Parameter buffer: memory to which nobody writes any more.
  package init(_ buffer: Buffer<Element>) { (base, count, owner) = (UnsafePointer(buffer.base), buffer.count, buffer) }

  package var values: UnsafeBufferPointer<Element> { UnsafeBufferPointer(start: base, count: count) }

  /// Memory that the closure fills; it begins as zeros.
  ///
  /// - Parameter memory: nil for memory of its own.
  package init(
    count: Int, in memory: WeightMemory? = nil, fill: (UnsafeMutablePointer<Element>) throws(Failure) -> Void
  ) throws(Failure) {
    let base: UnsafeMutablePointer<Element>
    if let memory {
      (base, owner) = try memory.take(count)
    } else {
      let buffer = try Buffer<Element>(count: count)
      (base, owner) = (buffer.base, buffer)
    }
    (self.base, self.count) = (UnsafePointer(base), count)
    try fill(base)
  }
}
