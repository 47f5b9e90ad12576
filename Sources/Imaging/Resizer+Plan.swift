import Basics
import Execution

extension Resizer {
  /// Weights and scratch memory for frames of one size and any format. It resizes columns first.
  final class Plan {
    let frameWidth: Int
    let frameHeight: Int
    let width: Int
    let height: Int
    /// Nil when the pass is skipped.
    let horizontal: LanczosWeights?
    let vertical: LanczosWeights?
    /// The result of the horizontal pass: frameHeight x width x channels.
    let rows: Buffer<UInt8>
    /// The scratch memory of each thread.
    private let scratch: [Scratch]

    private struct Scratch {
      /// A band of the frame, transposed: frameWidth columns of bandRows x channels. In colour a column takes bandRows x 4 bytes.
      let columns: Buffer<UInt8>
      /// One column of a band after the horizontal pass: bandRows x channels.
      let column: Buffer<UInt8>
      /// One row after the vertical pass: width x channels.
      let line: Buffer<UInt8>
      /// One row of a camera's frame, unpacked: frameWidth x channels.
      let unpacked: Buffer<UInt8>
    }

    init(_ frame: Frame, width: Int, height: Int, threadCount: Int) throws(Failure) {
      frameWidth = frame.width
      frameHeight = frame.height
      self.width = width
      self.height = height
      horizontal = try Self.weights(from: frameWidth, to: width)
      vertical = try Self.weights(from: frameHeight, to: height)
      rows = try Buffer(count: frameHeight * width * 3)
      let columnCount = horizontal == nil ? 0 : frame.width * bandRows * 4
      scratch = try (0..<threadCount).map { _ throws(Failure) in
        try Scratch(
          columns: Buffer(count: columnCount), column: Buffer(count: bandRows * 3), line: Buffer(count: width * 3),
          unpacked: Buffer(count: frame.width * 3))
      }
    }

    func fits(_ frame: Frame) -> Bool {
      frame.width == frameWidth && frame.height == frameHeight
    }

    private static func weights(from inputSize: Int, to outputSize: Int) throws(Failure) -> LanczosWeights? {
      if inputSize == outputSize { return nil }
      return try LanczosWeights(inputSize: inputSize, outputSize: outputSize)
    }

    /// A frame that threads resize together. Which thread computes a part does not change the result.
    struct Job {
      let plan: Plan
      let frame: Frame
      let reader: RowReader
      let target: LineTarget
      /// The frame at its full height and the target's width, 1 or 3 channels in the frame's order, and the bytes from one
      /// row to the next.
      var rows: UnsafePointer<UInt8>
      var pitch: Int
    }

    /// Writes the finished lines. All rows of the frame are read, because the support of the vertical filter leaves none out.
    func run(_ frame: Frame, _ reader: RowReader, to target: LineTarget, _ workers: Workers) {
      let channels = frame.format.channelCount
      var job = Job(
        plan: self, frame: frame, reader: reader, target: target, rows: UnsafePointer(rows.base),
        pitch: width &* channels)
      if horizontal != nil {
        share(job, parts: (frameHeight &+ bandRows &- 1) / bandRows, workers) { context, band, worker in
          let job = context.assumingMemoryBound(to: Job.self)
          job.pointee.plan.passHorizontally(band, of: job, job.pointee.plan.scratch[worker])
        }
      } else if frame.camera == nil, frame.format.bytesPerPixel == channels {
        (job.rows, job.pitch) = (frame.base, frame.stride)
      } else {
        share(job, parts: frameHeight, workers) { context, y, _ in
          let job = context.assumingMemoryBound(to: Job.self)
          job.pointee.plan.copy(y, of: job)
        }
      }
      share(job, parts: height, workers) { context, y, worker in
        let job = context.assumingMemoryBound(to: Job.self)
        job.pointee.plan.passVertically(y, of: job, job.pointee.plan.scratch[worker])
      }
    }

    private func share(_ job: Job, parts: Int, _ workers: Workers, _ body: Workers.Body) {
      withUnsafePointer(to: job) { workers.run(parts: parts, context: $0, body: body) }
    }

    /// Copies a row, without alpha and unpacked.
    private func copy(_ y: Int, of job: UnsafePointer<Job>) {
      let row = rows.base + y &* job.pointee.pitch
      if job.pointee.frame.camera == nil {
        dropAlpha(job.pointee.frame.row(y), into: row)
      } else {
        job.pointee.reader.read(job.pointee.frame, y, into: row)
      }
    }

    /// Computes a finished line and writes it to the target.
    private func passVertically(_ y: Int, of job: UnsafePointer<Job>, _ scratch: Scratch) {
      let (rows, pitch, format) = (job.pointee.rows, job.pointee.pitch, job.pointee.frame.format)
      var line = rows + y &* pitch
      if let vertical {
        vertical.taps(y).sum(rows, pitch: pitch, count: width &* format.channelCount, into: scratch.line.base)
        line = UnsafePointer(scratch.line.base)
      }
      job.pointee.target.write(line, format, width: width, row: y)
    }

    /// Reads a band of rows, each once, and brings it to the target's width.
    private func passHorizontally(_ band: Int, of job: UnsafePointer<Job>, _ scratch: Scratch) {
      guard let horizontal else { return }
      let format = job.pointee.frame.format
      let (channels, pixelBytes, pitch) = (format.channelCount, format.bytesPerPixel, job.pointee.pitch)
      // In colour there is room for the fourth byte, which the copy of the last row writes.
      let columnPitch = channels == 1 ? bandRows : bandRows &* 4
      let y = band &* bandRows
      let count = min(bandRows, frameHeight &- y)
      for r in 0..<count {
        let row: UnsafePointer<UInt8>
        if job.pointee.frame.camera != nil {
          job.pointee.reader.read(job.pointee.frame, y &+ r, into: scratch.unpacked.base)
          row = UnsafePointer(scratch.unpacked.base)
        } else {
          row = job.pointee.frame.row(y &+ r)
        }
        if channels == 1 {
          transposeGray(row, into: scratch.columns.base + r)
        } else {
          transposeColor(row, pixelBytes: pixelBytes, into: scratch.columns.base + 3 &* r)
        }
      }
      for x in 0..<width {
        horizontal.taps(x).sum(
          UnsafePointer(scratch.columns.base), pitch: columnPitch, count: bandRows &* channels,
          into: scratch.column.base)
        scatter(
          scratch.column.base, count, channels, to: rows.base + (y &* pitch &+ x &* channels), pitch: pitch)
      }
    }

    /// Copies a row of grey pixels to its place in the columns.
    @inline(__always)
    private func transposeGray(_ row: UnsafePointer<UInt8>, into output: UnsafeMutablePointer<UInt8>) {
      for x in 0..<frameWidth { output[x &* bandRows] = row[x] }
    }

    /// Copies a row of colour pixels to its place in the columns. Where the frame has four bytes a pixel, four are copied at once.
    /// The copy of the next row overwrites the fourth, so rows must be copied in order.
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
    private func scatter(
      _ column: UnsafePointer<UInt8>, _ count: Int, _ channels: Int, to output: UnsafeMutablePointer<UInt8>, pitch: Int
    ) {
      if channels == 1 {
        for r in 0..<count { output[r &* pitch] = column[r] }
      } else {
        for r in 0..<count {
          output[r &* pitch] = column[3 &* r]
          output[r &* pitch &+ 1] = column[3 &* r &+ 1]
          output[r &* pitch &+ 2] = column[3 &* r &+ 2]
        }
      }
    }

    /// Copies three of the four bytes of each pixel.
    private func dropAlpha(_ row: UnsafePointer<UInt8>, into output: UnsafeMutablePointer<UInt8>) {
      for x in 0..<width {
        output[3 &* x] = row[4 &* x]
        output[3 &* x &+ 1] = row[4 &* x &+ 1]
        output[3 &* x &+ 2] = row[4 &* x &+ 2]
      }
    }
  }
}
