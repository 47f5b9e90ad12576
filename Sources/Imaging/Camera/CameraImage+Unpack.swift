extension CameraImage {
  /// Writes `count` pixels of a row of the memory, from the frame's first column on: 1 byte each for grey formats, otherwise R, G,
  /// B.
  ///
  /// - Parameter table: a byte for each sample of ``bits`` bits; nil for 8, which stay as they are.
  func unpack(row: Int, count: Int, table: UnsafePointer<UInt8>?, into output: UnsafeMutablePointer<UInt8>) {
    switch format {
    case .mono16: unpackWords(row, samples: 1, count, table, output) { $0 }
    case .rgb16: unpackWords(row, samples: 3, count, table, output) { $0 }
    case .bgr16: unpackWords(row, samples: 3, count, table, output) { 2 &- $0 }
    case .mono10p, .mono12p: unpackBits(row, count, table, output)
    case .mono10Packed, .mono12Packed: unpackPairs(row, count, table, output)
    case .rgb8Planar: interleave(row, count, output)
    case .bayerRG8, .bayerGR8, .bayerGB8, .bayerBG8: interpolate(row, count, output)
    case .nv12:
      let chroma = planes.1 + (row / 2) &* strides.1
      let luma = first(row)
      convert(count, output) { x in
        (luma[x], chroma[x & ~1], chroma[x | 1])
      }
    case .yuy2:
      let pixels = first(row)
      convert(count, output) { x in
        let pair = pixels + 4 &* (x >> 1)
        return (pair[2 &* (x & 1)], pair[1], pair[3])
      }
    }
  }

  /// Unpacks words of 16 bits, at any address.
  ///
  /// - Parameter place: gives the place in the output's pixel of a sample in the memory's pixel.
  @inline(__always)
  private func unpackWords(
    _ row: Int, samples: Int, _ count: Int, _ table: UnsafePointer<UInt8>?, _ output: UnsafeMutablePointer<UInt8>,
    place: (Int) -> Int
  ) {
    let words = UnsafeRawPointer(first(row)) + 2 &* samples &* firstColumn
    let mask = UInt16(truncatingIfNeeded: 1 << bits &- 1)
    let shift = UInt16(truncatingIfNeeded: shift)
    for x in 0..<count {
      for sample in 0..<samples {
        let index = samples &* x &+ sample
        let value = words.loadUnaligned(fromByteOffset: 2 &* index, as: UInt16.self) &>> shift & mask
        output[samples &* x &+ place(sample)] = table?[Int(value)] ?? UInt8(truncatingIfNeeded: value)
      }
    }
  }

  /// Unpacks PFNC's "p" formats: pixel x begins at bit x * bits of the row, the least significant bit first, and
  /// touches two bytes.
  private func unpackBits(
    _ row: Int, _ count: Int, _ table: UnsafePointer<UInt8>?, _ output: UnsafeMutablePointer<UInt8>
  ) {
    guard let table else { return }
    let bytes = first(row)
    let mask = 1 << bits &- 1
    for x in 0..<count {
      let bit = (firstColumn &+ x) &* bits
      let pair = Int(bytes[bit >> 3]) | Int(bytes[bit >> 3 &+ 1]) << 8
      output[x] = table[pair >> (bit & 7) & mask]
    }
  }

  /// Unpacks GigE Vision's "Packed" formats: the high 8 bits of pixels 0 and 1 are bytes 0 and 2; their low bits begin
  /// at bits 0 and 4 of byte 1.
  private func unpackPairs(
    _ row: Int, _ count: Int, _ table: UnsafePointer<UInt8>?, _ output: UnsafeMutablePointer<UInt8>
  ) {
    guard let table else { return }
    let bytes = first(row)
    let low = bits &- 8
    for x in 0..<count {
      let column = firstColumn &+ x
      let pair = bytes + 3 &* (column >> 1)
      let isSecond = column & 1
      let rest = Int(pair[1]) >> (4 &* isSecond) & (1 << low &- 1)
      output[x] = table[Int(pair[2 &* isSecond]) << low | rest]
    }
  }

  private func interleave(_ row: Int, _ count: Int, _ output: UnsafeMutablePointer<UInt8>) {
    let red = planes.0 + (row &* strides.0 &+ firstColumn)
    let green = planes.1 + (row &* strides.1 &+ firstColumn)
    let blue = planes.2 + (row &* strides.2 &+ firstColumn)
    for x in 0..<count {
      output[3 &* x] = red[x]
      output[3 &* x &+ 1] = green[x]
      output[3 &* x &+ 2] = blue[x]
    }
  }
}
