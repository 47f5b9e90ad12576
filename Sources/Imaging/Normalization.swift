import Basics
import Execution

/// The network's input from 8-bit pixels: (v / 255 - mean) / standardDeviation per channel, each step rounded to
/// float32 as torchvision's `ToTensor` and `Normalize` do, from a table of 3 x 256.
package struct Normalization: Sendable {
  /// R's 256 values, then G's and B's.
  private let table: [Float]

  package init(_ preprocessing: Preprocessing) {
    table = (0..<768).map { index in
      let scaled = Float(index % 256) / 255
      return (scaled - preprocessing.mean[index / 256]) / preprocessing.standardDeviation[index / 256]
    }
  }

  /// Converts RGB8 pixels to as many triples of floats, in the same order (position-major, channel fastest). Threads share out the rows.
  package func apply(
    _ rgb: UnsafePointer<UInt8>, width: Int, height: Int, into output: UnsafeMutablePointer<Float>, _ workers: Workers
  ) {
    table.withUnsafeBufferPointer { table in
      guard let table = table.baseAddress else { return }
      withUnsafePointer(to: Job(table: table, rgb: rgb, output: output, rowLength: 3 &* width)) { job in
        workers.run(parts: height, context: job) { context, row, _ in
          context.assumingMemoryBound(to: Job.self).pointee.row(row)
        }
      }
    }
  }

  private struct Job {
    let table: UnsafePointer<Float>
    let rgb: UnsafePointer<UInt8>
    let output: UnsafeMutablePointer<Float>
    let rowLength: Int

    func row(_ row: Int) {
      let (red, green, blue) = (table, table + 256, table + 512)
      for i in stride(from: row &* rowLength, to: (row &+ 1) &* rowLength, by: 3) {
        output[i] = red[Int(rgb[i])]
        output[i &+ 1] = green[Int(rgb[i &+ 1])]
        output[i &+ 2] = blue[Int(rgb[i &+ 2])]
      }
    }
  }
}
