import KernelTasks

// This file is hot: see Products/GEMM.swift for what that forbids.

extension Variant {
  package func quantize(_ task: borrowing RowQuantization, rows: Range<Int>) {
    let (count, isSigned) = (task.count, task.isSigned)
    for row in rows {
      let x = task.x + row &* task.xStride
      let bytes = task.bytes + row &* task.byteStride
      let largest = largestMagnitude(x, count)
      let limit: Float = isSigned ? 127 : 255
      task.scales[row] = largest < .infinity ? largest / limit : .nan
      // The inverse of a smaller number could be infinite. Rows of such small values become zeros.
      let inverse = largest > 1e-30 && largest < .infinity ? limit / largest : 0
      let zero: Float = isSigned ? 128 : 0
      forEachWideVector(0..<count) { start, lanes in
        if lanes == WideVector.width {
          (WideVector.load(x + start) * inverse + zero).store(bytes: bytes + start)
        } else {
          quantizePart(x, lanes, inverse, zero, bytes)
        }
      }
    }
  }
}

/// The largest magnitude of a row; NaN when one of the values is. It compares the bits of magnitudes as integers, which have the
/// order of the numbers, with NaN above infinity.
@inline(__always)
private func largestMagnitude(_ x: UnsafePointer<Float>, _ count: Int) -> Float {
  guard count >= WideVector.width else { return largestMagnitudeOfPart(x, count) }
  var top = IntVector()
  forEachWideVector(0..<count) { start, _ in
    let bits = IntVector.load(x + start) & 0x7fff_ffff
    top = top.replacing(with: bits, where: bits .> top)
  }
  var largest = top[0]
  for lane in 1..<WideVector.width { largest = top[lane] > largest ? top[lane] : largest }
  return Float(bitPattern: UInt32(bitPattern: largest))
}

@inline(never)
private func largestMagnitudeOfPart(_ x: UnsafePointer<Float>, _ count: Int) -> Float {
  var largest: UInt32 = 0
  for i in 0..<count {
    let bits = x[i].bitPattern & 0x7fff_ffff
    largest = bits > largest ? bits : largest
  }
  return Float(bitPattern: largest)
}

/// Quantizes a row that is shorter than a vector.
@inline(never)
private func quantizePart(
  _ x: UnsafePointer<Float>, _ count: Int, _ inverse: Float, _ zero: Float, _ bytes: UnsafeMutablePointer<UInt8>
) {
  var values = WideVector(repeating: 0)
  for lane in 0..<count { values[lane] = x[lane] }
  var room: (UInt64, UInt64) = (0, 0)
  withUnsafeMutableBytes(of: &room) { room in
    guard let room = room.baseAddress else { return }
    (values * inverse + zero).store(bytes: room.assumingMemoryBound(to: UInt8.self))
    for lane in 0..<count { bytes[lane] = room.load(fromByteOffset: lane, as: UInt8.self) }
  }
}
