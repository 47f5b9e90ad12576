extension CameraImage {
  /// R, G, B from luma and chroma (BT.601, Y in 16...235) in fixed point with 20 fractional bits, with the bytes of OpenCV's
  /// `cvtColor` with `COLOR_YUV2RGB_NV12` and `COLOR_YUV2RGB_YUY2`.
  ///
  /// - Parameter sample: Y, U, V of a column of the memory.
  @inline(__always)
  func convert(
    _ count: Int, _ output: UnsafeMutablePointer<UInt8>, sample: (Int) -> (y: UInt8, u: UInt8, v: UInt8)
  ) {
    for x in 0..<count {
      let value = sample(firstColumn &+ x)
      let (u, v) = (Int(value.u) &- 128, Int(value.v) &- 128)
      let luma = max(Int(value.y) &- 16, 0) &* 1_220_542 &+ 1 << 19
      output[3 &* x] = byte(luma &+ 1_673_527 &* v)
      output[3 &* x &+ 1] = byte(luma &- 852_492 &* v &- 409_993 &* u)
      output[3 &* x &+ 2] = byte(luma &+ 2_116_026 &* u)
    }
  }

  @inline(__always)
  private func byte(_ value: Int) -> UInt8 { UInt8(truncatingIfNeeded: min(max(value >> 20, 0), 255)) }
}
