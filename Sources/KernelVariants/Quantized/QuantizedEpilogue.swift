import KernelTasks

// This file is hot: see Products/GEMM.swift for what that forbids.
// No struct stores a task, because the compiler would copy it by functions whose names all builds share.

extension QuantizedEpilogue {
  /// Finishes the sums of some outputs, the first `lanes` of which are wanted, and stores them.
  ///
  /// - Parameters:
  ///   - limits: those of the activation.
  ///   - place: where the first output lies in residual and target.
  @inline(__always)
  func store(_ sums: WideVector, _ limits: (low: Float, high: Float), output: Int, place: Int, lanes: Int) {
    var value = sums * WideVector.load(multiplier + output) + WideVector.load(offset + output)
    if lanes == WideVector.width {
      if hasResidual { value += residual.load(place, output) }
      value = activated(value, limits)
      if let values = target.values { value.store(to: values + place) }
      if let bytes = target.bytes { quantized(value, output).store(bytes: bytes + place) }
    } else {
      storePart(value, limits, output, place, lanes)
    }
  }

  /// Finishes and stores a row of a tile.
  ///
  /// - Parameter outputs: how many outputs are left from the row's first one on.
  @inline(__always)
  func store<Columns: Count>(
    _ sums: QuantizedRowSums<Columns>, _ limits: (low: Float, high: Float), output: Int, place: Int, outputs: Int
  ) {
    let width = WideVector.width
    store(sums.a.floats, limits, output: output, place: place, lanes: lesser(outputs, width))
    if Columns.value > 1, outputs > width {
      store(
        sums.b.floats, limits, output: output &+ width, place: place &+ width, lanes: lesser(outputs &- width, width))
    }
  }

  @inline(__always)
  private var hasResidual: Bool { residual.bytes != nil || residual.values != nil }

  @inline(__always)
  private func activated(_ value: WideVector, _ limits: (low: Float, high: Float)) -> WideVector {
    switch activation {
    case .identity, .relu, .relu6: value.limited(limits.low, limits.high)
    case .hardSwish: (value * (value + 3).limited(0, 6)) * (1 / 6 as Float)
    default: value.activatedByHalves(activation)
    }
  }

  @inline(__always)
  private func quantized(_ value: WideVector, _ output: Int) -> WideVector {
    guard let inverseScale = target.inverseScale, let zero = target.zero else { return value.limited(0, 255) }
    return (value * .load(inverseScale + output) + .load(zero + output)).limited(0, 255)
  }

  /// Finishes and stores the last lanes of a row, which are fewer than a vector has.
  @inline(never)
  private func storePart(
    _ sums: WideVector, _ limits: (low: Float, high: Float), _ output: Int, _ place: Int, _ lanes: Int
  ) {
    var value = sums
    if hasResidual { value += residual.load(place, output, first: lanes) }
    value = activated(value, limits)
    if let values = target.values { for lane in 0..<lanes { values[place &+ lane] = value[lane] } }
    guard let bytes = target.bytes else { return }
    var room: (UInt64, UInt64) = (0, 0)
    withUnsafeMutableBytes(of: &room) { room in
      guard let room = room.baseAddress else { return }
      quantized(value, output).store(bytes: room.assumingMemoryBound(to: UInt8.self))
      let target = UnsafeMutableRawPointer(bytes + place)
      var lane = 0
      if lanes >= 8 {
        target.storeBytes(of: room.loadUnaligned(as: UInt64.self), as: UInt64.self)
        lane = 8
      }
      while lane < lanes {
        target.storeBytes(of: room.load(fromByteOffset: lane, as: UInt8.self), toByteOffset: lane, as: UInt8.self)
        lane &+= 1
      }
    }
  }
}

extension MapOperand {
  @inline(__always)
  func load(_ place: Int, _ channel: Int) -> WideVector {
    if let bytes, let zero, let scale {
      return (.load(bytes: bytes + place) - .load(zero + channel)) * .load(scale + channel)
    }
    if let values { return .load(values + place) }
    return WideVector(repeating: 0)
  }

  /// Loads the first `count` values, and sets the other lanes to zero.
  @inline(__always)
  func load(_ place: Int, _ channel: Int, first count: Int) -> WideVector {
    if count == WideVector.width { return load(place, channel) }
    var value = WideVector(repeating: 0)
    for lane in 0..<count {
      if let bytes, let zero, let scale {
        value[lane] = (Float(bytes[place &+ lane]) - zero[channel &+ lane]) * scale[channel &+ lane]
      } else if let values {
        value[lane] = values[place &+ lane]
      }
    }
    return value
  }
}
