import KernelTasks

// This file is hot: see Products/GEMM.swift for what that forbids.

extension Variant {
  package func quantizedMaxPooling(
    _ window: borrowing QuantizedWindow, outputRows: Range<Int>, into y: UnsafeMutablePointer<UInt8>
  ) {
    let (kernel, channels, width) = (window.kernel, window.channels, window.outputWidth)
    let (x, lineLength) = (window.x, window.inputWidth &* window.channels)
    for row in outputRows {
      let rows = window.rowSources + row &* kernel
      for column in 0..<width {
        let columns = window.columnSources + column &* kernel
        let y = y + (row &* width &+ column) &* channels
        var channel = 0
        while channel < channels {
          let isWhole = channel &+ 16 <= channels
          var top = SIMD16<UInt8>()
          for ky in 0..<kernel where rows[ky] >= 0 {
            for kx in 0..<kernel where columns[kx] >= 0 {
              let source = x + (rows[ky] &* lineLength &+ columns[kx] &* channels &+ channel)
              let value: SIMD16<UInt8> =
                isWhole
                ? UnsafeRawPointer(source).loadUnaligned(as: SIMD16<UInt8>.self) : part(source, channels &- channel)
              top = top.replacing(with: value, where: value .> top)
            }
          }
          if isWhole {
            UnsafeMutableRawPointer(y + channel).storeBytes(of: top, as: SIMD16<UInt8>.self)
          } else {
            for lane in 0..<channels &- channel { y[channel &+ lane] = top[lane] }
          }
          channel &+= 16
        }
      }
    }
  }
}

/// Loads the first `count` bytes, and sets the other lanes to zero.
@inline(never)
private func part(_ source: UnsafePointer<UInt8>, _ count: Int) -> SIMD16<UInt8> {
  var value = SIMD16<UInt8>()
  for lane in 0..<count { value[lane] = source[lane] }
  return value
}
