extension CameraImage {
  /// Interpolates the missing samples of a colour filter bilinearly: each is the rounded mean of the two or four nearest. The
  /// image's outermost pixels are copies of those next to them. The result has the bytes of OpenCV's `cvtColor` with
  /// `COLOR_Bayer??2RGB`, whose letters are those of the second row's second and third pixel: `bayerRG8` is its `BayerBG`.
  func interpolate(_ row: Int, _ count: Int, _ output: UnsafeMutablePointer<UInt8>) {
    let y = min(max(row, 1), height &- 2)
    // The parity of the columns and of the rows that have red samples.
    let (redColumn, redRow): (Int, Int) =
      switch format {
      case .bayerGR8: (1, 0)
      case .bayerGB8: (0, 1)
      case .bayerBG8: (1, 1)
      default: (0, 0)
      }
    let isRedRow = y & 1 == redRow
    // The channel of the colour that this row has beside green, and that of the colour that it lacks.
    let (own, other) = isRedRow ? (0, 2) : (2, 0)
    let ownColumn = isRedRow ? redColumn : 1 &- redColumn
    let here = first(y)
    let above = first(y &- 1)
    let below = first(y &+ 1)
    for x in 0..<count {
      let column = min(max(firstColumn &+ x, 1), width &- 2)
      let (left, right) = (Int(here[column &- 1]), Int(here[column &+ 1]))
      let (top, bottom) = (Int(above[column]), Int(below[column]))
      let pixel = output + 3 &* x
      if column & 1 == ownColumn {
        let corners =
          Int(above[column &- 1]) &+ Int(above[column &+ 1]) &+ Int(below[column &- 1]) &+ Int(below[column &+ 1])
        pixel[own] = here[column]
        pixel[1] = UInt8(truncatingIfNeeded: (left &+ right &+ top &+ bottom &+ 2) >> 2)
        pixel[other] = UInt8(truncatingIfNeeded: (corners &+ 2) >> 2)
      } else {
        pixel[own] = UInt8(truncatingIfNeeded: (left &+ right &+ 1) >> 1)
        pixel[1] = here[column]
        pixel[other] = UInt8(truncatingIfNeeded: (top &+ bottom &+ 1) >> 1)
      }
    }
  }
}
