import Basics

package typealias FloatBuffer = Buffer<Float>

/// Float memory that is written once, by its maker, and then only read: safe to share between threads.
package final class ConstantFloats: @unchecked Sendable {
  private let buffer: FloatBuffer

  package var base: UnsafePointer<Float> { UnsafePointer(buffer.base) }
  package var count: Int { buffer.count }

  /// - Parameter paddedCount: at least as many floats, with zeros behind the values.
  package init(_ values: [Float], paddedCount: Int = 0) throws(Failure) {
    buffer = try FloatBuffer(count: max(values.count, paddedCount))
    values.withUnsafeBufferPointer { source in
      if let start = source.baseAddress { buffer.base.update(from: start, count: source.count) }
    }
  }

  /// Memory that the closure fills; it begins as zeros.
  package init(count: Int, fill: (UnsafeMutablePointer<Float>) -> Void) throws(Failure) {
    buffer = try FloatBuffer(count: count)
    fill(buffer.base)
  }
}
