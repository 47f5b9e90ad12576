import Basics
import Glibc

extension Resizer {
  /// Weights and scratch memory for one size of frames, of any format: columns first.
  final class Plan {
    let frameWidth: Int
    let frameHeight: Int
    let width: Int
    let height: Int
    /// nil when the pass is skipped.
    let horizontal: LanczosWeights?
    let vertical: LanczosWeights?
    /// What the horizontal pass leaves: frameHeight x width x channels.
    let rows: Buffer<UInt8>
    /// A band of the frame, transposed: frameWidth columns of bandRows x channels, bandRows x 4 apart if in colour.
    let columns: Buffer<UInt8>
    /// One column of a band after the horizontal pass: bandRows x channels.
    let column: Buffer<UInt8>
    /// One row after the vertical pass: width x channels.
    let line: Buffer<UInt8>
    /// One row of a camera's frame, unpacked: frameWidth x channels.
    let unpacked: Buffer<UInt8>

    init(_ frame: Frame, width: Int, height: Int) throws(Failure) {
      frameWidth = frame.width
      frameHeight = frame.height
      self.width = width
      self.height = height
      horizontal = try Self.weights(from: frameWidth, to: width)
      vertical = try Self.weights(from: frameHeight, to: height)
      rows = try Buffer(count: frameHeight * width * 3)
      columns = try Buffer(count: horizontal == nil ? 0 : frameWidth * bandRows * 4)
      column = try Buffer(count: bandRows * 3)
      line = try Buffer(count: width * 3)
      unpacked = try Buffer(count: frameWidth * 3)
    }

    func fits(_ frame: Frame) -> Bool {
      frame.width == frameWidth && frame.height == frameHeight
    }

    private static func weights(from inputSize: Int, to outputSize: Int) throws(Failure) -> LanczosWeights? {
      if inputSize == outputSize { return nil }
      return try LanczosWeights(inputSize: inputSize, outputSize: outputSize)
    }

    /// Calls the body with the finished lines from the top, 1 or 3 channels in the frame's order.
    func forEachLine(_ frame: Frame, _ reader: RowReader, _ body: (_ y: Int, _ line: UnsafePointer<UInt8>) -> Void) {
      let (rows, pitch) = horizontalPass(frame, reader)
      for y in 0..<height {
        guard let vertical else {
          body(y, rows + y &* pitch)
          continue
        }
        vertical.taps(y).sum(rows, pitch: pitch, count: width &* frame.format.channelCount, into: line.base)
        body(y, UnsafePointer(line.base))
      }
    }

    /// The frame at its full height and the target's width, 1 or 3 channels in the frame's order, and the bytes from
    /// one row to the next. Every row is wanted: the vertical filter's support leaves none out.
    private func horizontalPass(_ frame: Frame, _ reader: RowReader) -> (rows: UnsafePointer<UInt8>, pitch: Int) {
      let channels = frame.format.channelCount
      let pixelBytes = frame.format.bytesPerPixel
      let pitch = width &* channels
      // Room for the fourth byte of the last row's copy.
      let columnPitch = channels == 1 ? bandRows : bandRows &* 4
      guard let horizontal else {
        if frame.camera == nil, pixelBytes == channels { return (frame.base, frame.stride) }
        for y in 0..<frameHeight {
          let row = rows.base + y &* pitch
          if frame.camera == nil { dropAlpha(frame.row(y), into: row) } else { reader.read(frame, y, into: row) }
        }
        return (UnsafePointer(rows.base), pitch)
      }
      var y = 0
      while y < frameHeight {
        let count = min(bandRows, frameHeight &- y)
        for r in 0..<count {
          let row: UnsafePointer<UInt8>
          if frame.camera != nil {
            reader.read(frame, y &+ r, into: unpacked.base)
            row = UnsafePointer(unpacked.base)
          } else {
            row = frame.row(y &+ r)
          }
          if channels == 1 {
            transposeGray(row, into: columns.base + r)
          } else {
            transposeColor(row, pixelBytes: pixelBytes, into: columns.base + 3 &* r)
          }
        }
        for x in 0..<width {
          horizontal.taps(x).sum(
            UnsafePointer(columns.base), pitch: columnPitch, count: bandRows &* channels,
            into: column.base)
          scatter(count, channels, to: rows.base + (y &* pitch &+ x &* channels), pitch: pitch)
        }
        y &+= bandRows
      }
      return (UnsafePointer(rows.base), pitch)
    }

    /// A row of grey pixels to its place in the columns.
    @inline(__always)
    private func transposeGray(_ row: UnsafePointer<UInt8>, into output: UnsafeMutablePointer<UInt8>) {
      for x in 0..<frameWidth { output[x &* bandRows] = row[x] }
    }

    /// A row of colour pixels to its place in the columns. Four bytes are copied at a time where the frame has four: the
    /// last is alpha or the next pixel, and the copy of the next row takes its place, so that rows must come in order.
    @inline(__always)
    private func transposeColor(
      _ row: UnsafePointer<UInt8>, pixelBytes: Int, into output: UnsafeMutablePointer<UInt8>
    ) {
      let source = UnsafeRawPointer(row)
      let target = UnsafeMutableRawPointer(output)
      let last = frameWidth &- 1
      for x in 0..<last {
        let pixel = (source + x &* pixelBytes).loadUnaligned(as: UInt32.self)
        (target + x &* (4 &* bandRows)).storeBytes(of: pixel, as: UInt32.self)
      }
      memcpy(target + last &* (4 &* bandRows), source + last &* pixelBytes, 3)
    }

    @inline(__always)
    private func scatter(_ count: Int, _ channels: Int, to output: UnsafeMutablePointer<UInt8>, pitch: Int) {
      if channels == 1 {
        for r in 0..<count { output[r &* pitch] = column.base[r] }
      } else {
        for r in 0..<count {
          output[r &* pitch] = column.base[3 &* r]
          output[r &* pitch &+ 1] = column.base[3 &* r &+ 1]
          output[r &* pitch &+ 2] = column.base[3 &* r &+ 2]
        }
      }
    }

    /// Three of the four bytes of each pixel.
    private func dropAlpha(_ row: UnsafePointer<UInt8>, into output: UnsafeMutablePointer<UInt8>) {
      for x in 0..<width {
        output[3 &* x] = row[4 &* x]
        output[3 &* x &+ 1] = row[4 &* x &+ 1]
        output[3 &* x &+ 2] = row[4 &* x &+ 2]
      }
    }
  }
}
