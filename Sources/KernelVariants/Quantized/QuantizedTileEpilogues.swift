import CVectors
import KernelTasks

// This file is hot: see Products/GEMM.swift for what that forbids.
// The epilogues that tiles have most. They do what ``QuantizedEpilogue/store(_:_:output:place:lanes:)`` does for all, but decide
// nothing for each vector and are inlined, so that sums go from registers to bytes.

extension QuantizedEpilogue {
  /// The target, if values become bytes by one multiplication and one addition; nil otherwise.
  @inline(__always)
  var plainBytes: UnsafeMutablePointer<UInt8>? {
    guard target.inverseScale == nil, hasBytesAlone, residual.bytes == nil else { return nil }
    switch activation {
    case .identity: return target.bytes
    default: return nil
    }
  }

  /// Whether the residual is bytes, the activation only limits values, and the target is bytes.
  @inline(__always)
  var addsBytes: Bool { residual.bytes != nil && activation.isLimit && hasBytesAlone }

  @inline(__always)
  var isHardSwish: Bool {
    // A switch, because `==` would look up a conformance through a function whose name all builds share.
    switch activation {
    case .hardSwish: hasBytesAlone && residual.bytes == nil
    default: false
    }
  }

  @inline(__always)
  private var hasBytesAlone: Bool { target.values == nil && target.bytes != nil && residual.values == nil }
}

extension WideVector {
  /// Stores the first `lanes` lanes as bytes. The number is a multiple of 8; it may be negative, or larger than the vector's.
  @inline(__always)
  fileprivate func store(bytes: UnsafeMutablePointer<UInt8>, lanes: Int) {
    #if WIDE_VECTORS
      if lanes >= WideVector.width {
        store(bytes: bytes)
      } else if lanes > 0 {
        cflowad_store_first_bytes_16(self, bytes)
      }
    #else
      if lanes > 0 { store(bytes: bytes) }
    #endif
  }
}

/// The epilogue for bytes that follow from the sums by one multiplication and one addition.
struct ByteEpilogue<Columns: Count>: QuantizedRowVisitor {
  private let multiplier, offset: TileVectors
  private let target: UnsafeMutablePointer<UInt8>
  private let stride, count, lanes: Int

  /// - Parameters:
  ///   - target: where the tile's first output of its first row belongs.
  ///   - lanes: how many outputs are wanted, a multiple of 8.
  @inline(__always)
  init(
    _ epilogue: QuantizedEpilogue, _ output: Int, _ target: UnsafeMutablePointer<UInt8>, stride: Int, count: Int,
    lanes: Int
  ) {
    multiplier = TileVectors(Columns.self, epilogue.multiplier + output)
    offset = TileVectors(Columns.self, epilogue.offset + output)
    (self.target, self.stride, self.count, self.lanes) = (target, stride, count, lanes)
  }

  @inline(__always)
  func visit<C: Count>(_ index: Int, _ row: inout QuantizedRowSums<C>) {
    guard index < count else { return }
    let target = target + index &* stride
    let a = (row.a.floats * multiplier.a + offset.a).limited(0, 255)
    guard Columns.value > 1, lanes > WideVector.width else { return a.store(bytes: target, lanes: lanes) }
    let b = (row.b.floats * multiplier.b + offset.b).limited(0, 255)
    if lanes >= 2 &* WideVector.width { return WideVector.store(a, bytes: target, b, bytes: target + WideVector.width) }
    a.store(bytes: target)
    b.store(bytes: target + WideVector.width, lanes: lanes &- WideVector.width)
  }
}

/// The epilogue for bytes that follow from sums and a residual of bytes, limited by the activation.
struct ResidualByteEpilogue<Columns: Count>: QuantizedRowVisitor {
  private let multiplier, offset, residualZero, residualScale, inverseScale, zero: TileVectors
  private let residual: UnsafePointer<UInt8>
  private let target: UnsafeMutablePointer<UInt8>
  private let stride, count: Int
  private let limits: (low: Float, high: Float)

  /// - Parameter place: where the tile's first output of its first row lies in residual and target.
  @inline(__always)
  init?(_ epilogue: QuantizedEpilogue, _ output: Int, place: Int, stride: Int, count: Int) {
    guard let bytes = epilogue.target.bytes, let zero = epilogue.target.zero,
      let inverseScale = epilogue.target.inverseScale, let residual = epilogue.residual.bytes,
      let residualZero = epilogue.residual.zero, let residualScale = epilogue.residual.scale
    else { return nil }
    multiplier = TileVectors(Columns.self, epilogue.multiplier + output)
    offset = TileVectors(Columns.self, epilogue.offset + output)
    self.residualZero = TileVectors(Columns.self, residualZero + output)
    self.residualScale = TileVectors(Columns.self, residualScale + output)
    self.inverseScale = TileVectors(Columns.self, inverseScale + output)
    self.zero = TileVectors(Columns.self, zero + output)
    (self.residual, target, self.stride, self.count) = (residual + place, bytes + place, stride, count)
    limits = epilogue.activation.limits
  }

  @inline(__always)
  func visit<C: Count>(_ index: Int, _ row: inout QuantizedRowSums<C>) {
    guard index < count else { return }
    let (target, residual) = (target + index &* stride, residual + index &* stride)
    var value = row.a.floats * multiplier.a + offset.a
    value += (.load(bytes: residual) - residualZero.a) * residualScale.a
    let a = (value.limited(limits.low, limits.high) * inverseScale.a + zero.a).limited(0, 255)
    guard Columns.value > 1 else { return a.store(bytes: target) }
    value = row.b.floats * multiplier.b + offset.b
    value += (.load(bytes: residual + WideVector.width) - residualZero.b) * residualScale.b
    let b = (value.limited(limits.low, limits.high) * inverseScale.b + zero.b).limited(0, 255)
    WideVector.store(a, bytes: target, b, bytes: target + WideVector.width)
  }
}

/// The epilogue for bytes of hardSwish.
struct HardSwishEpilogue<Columns: Count>: QuantizedRowVisitor {
  private let multiplier, offset, inverseScale, zero: TileVectors
  private let target: UnsafeMutablePointer<UInt8>
  private let stride, count: Int

  /// - Parameter place: where the tile's first output of its first row lies in the target.
  @inline(__always)
  init?(_ epilogue: QuantizedEpilogue, _ output: Int, place: Int, stride: Int, count: Int) {
    guard let bytes = epilogue.target.bytes, let zero = epilogue.target.zero,
      let inverseScale = epilogue.target.inverseScale
    else { return nil }
    multiplier = TileVectors(Columns.self, epilogue.multiplier + output)
    offset = TileVectors(Columns.self, epilogue.offset + output)
    self.inverseScale = TileVectors(Columns.self, inverseScale + output)
    self.zero = TileVectors(Columns.self, zero + output)
    (target, self.stride, self.count) = (bytes + place, stride, count)
  }

  @inline(__always)
  func visit<C: Count>(_ index: Int, _ row: inout QuantizedRowSums<C>) {
    guard index < count else { return }
    let target = target + index &* stride
    let a = finished(row.a, multiplier.a, offset.a, inverseScale.a, zero.a)
    guard Columns.value > 1 else { return a.store(bytes: target) }
    let b = finished(row.b, multiplier.b, offset.b, inverseScale.b, zero.b)
    WideVector.store(a, bytes: target, b, bytes: target + WideVector.width)
  }

  @inline(__always)
  private func finished(
    _ sums: IntVector, _ multiplier: WideVector, _ offset: WideVector, _ inverseScale: WideVector, _ zero: WideVector
  ) -> WideVector {
    let value = sums.floats * multiplier + offset
    let activated = (value * (value + 3).limited(0, 6)) * (1 / 6 as Float)
    return (activated * inverseScale + zero).limited(0, 255)
  }
}
