import Basics

package typealias FloatBuffer = Buffer<Float>

/// Float memory that is written once, by its maker, and then only read: safe to share between threads.
package final class ConstantFloats: @unchecked Sendable {
  private let buffer: FloatBuffer

  package var base: UnsafePointer<Float> { UnsafePointer(buffer.base) }
  package var count: Int { buffer.count }

  package init(_ values: [Float]) throws(Failure) {
    buffer = try FloatBuffer(count: values.count)
    values.withUnsafeBufferPointer { source in
      if let start = source.baseAddress { buffer.base.update(from: start, count: source.count) }
    }
  }
}
