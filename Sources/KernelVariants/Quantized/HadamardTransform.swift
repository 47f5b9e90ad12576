import CVectors
import KernelTasks

// This file is hot: see Products/GEMM.swift for what that forbids.

extension Variant {
  package func hadamard(_ task: borrowing HadamardTransform, rows: Range<Int>) {
    let (channels, half) = (task.channels, task.channels / 2)
    for row in rows {
      let (u, y) = (task.u + row &* task.stride, task.y + row &* task.stride)
      var place = 0
      while place < half {
        let a = WideVector.load(u + place) * .load(task.scale + place) + .load(task.offset + place)
        let other = place &+ half
        let b = WideVector.load(u + other) * .load(task.scale + other) + .load(task.offset + other)
        (a + b).store(to: y + place)
        (a - b).store(to: y + other)
        place &+= WideVector.width
      }
      var distance = half / 2
      while distance >= WideVector.width {
        butterflies(y, distance: distance, count: channels)
        distance /= 2
      }
      place = 0
      while place < channels {
        WideVector.load(y + place).transformed.store(to: y + place)
        place &+= WideVector.width
      }
    }
  }
}

/// Replaces the values that are `distance` apart, a vector or more, by their sums and differences.
@inline(__always)
private func butterflies(_ y: UnsafeMutablePointer<Float>, distance: Int, count: Int) {
  var start = 0
  while start < count {
    var place = start
    while place < start &+ distance {
      let (a, b) = (WideVector.load(y + place), WideVector.load(y + (place &+ distance)))
      (a + b).store(to: y + place)
      (a - b).store(to: y + (place &+ distance))
      place &+= WideVector.width
    }
    start &+= 2 &* distance
  }
}

extension WideVector {
  /// The Hadamard transform of the lanes.
  @inline(__always)
  fileprivate var transformed: WideVector {
    #if WIDE_VECTORS
      cflowad_hadamard_16(self)
    #elseif MULTIPLY_ADD
      cflowad_hadamard_8(self)
    #else
      WideVector(
        lowHalf: cflowad_hadamard_4(lowHalf + highHalf), highHalf: cflowad_hadamard_4(lowHalf - highHalf))
    #endif
  }
}
