extension LanczosWeights.Taps {
  /// Both passes of the resizing: `output[j]` = sum over the taps k of weight k * `lines[(first + k) * pitch + j]`,
  /// rounded and clipped to 0...255, for j in 0..<`count`.
  @inline(__always)
  func sum(_ lines: UnsafePointer<UInt8>, pitch: Int, count: Int, into output: UnsafeMutablePointer<UInt8>) {
    let start = UnsafeRawPointer(lines + first &* pitch)
    var j = 0
    while j &+ 16 <= count {
      // Partial sums may wrap modulo 2^32, but the final ones fit and are exact.
      var low = SIMD16<Int32>(repeating: 0)
      var high = SIMD16<Int32>(repeating: 0)
      var line = start + j
      for k in 0..<self.count {
        let samples = SIMD16<Int32>(truncatingIfNeeded: line.loadUnaligned(as: SIMD16<UInt8>.self))
        let weight = weights[k]
        low &+= samples &* SIMD16(repeating: Int32(weight.low))
        high &+= samples &* SIMD16(repeating: Int32(weight.high))
        line += pitch
      }
      let sums = (high &<< LanczosWeights.lowBits) &+ low &+ (1 << (LanczosWeights.precision - 1))
      let rounded = (sums &>> LanczosWeights.precision).clamped(
        lowerBound: SIMD16(repeating: 0), upperBound: SIMD16(repeating: 255))
      UnsafeMutableRawPointer(output + j).storeBytes(
        of: SIMD16<UInt8>(truncatingIfNeeded: rounded), as: SIMD16<UInt8>.self)
      j &+= 16
    }
    while j < count {
      var low: Int32 = 0
      var high: Int32 = 0
      for k in 0..<self.count {
        let sample = Int32((start + (j &+ k &* pitch)).load(as: UInt8.self))
        low &+= sample &* Int32(weights[k].low)
        high &+= sample &* Int32(weights[k].high)
      }
      let sum = (high &<< LanczosWeights.lowBits) &+ low &+ (1 << (LanczosWeights.precision - 1))
      output[j] = UInt8(truncatingIfNeeded: min(max(sum &>> LanczosWeights.precision, 0), 255))
      j &+= 1
    }
  }
}
