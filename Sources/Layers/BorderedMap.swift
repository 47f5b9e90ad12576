import Basics
import Execution
import Kernels

/// A map with a border of padding written around it, so that a sliding window needs no special cases.
struct BorderedMap {
  /// The grid with the border.
  let grid: Grid
  private let inputWidth: Int
  /// The input row of each row of the bordered map, -1 for zeros; the same for columns.
  private let rows: WindowAxis
  private let columns: WindowAxis

  /// - Parameter window: the window that the border is for.
  init(_ input: Grid, under window: SlidingWindow) throws(Failure) {
    inputWidth = input.width
    rows = try window.borderedAxis(input.height)
    columns = try window.borderedAxis(input.width)
    grid = Grid(height: rows.outputLength, width: columns.outputLength, channels: input.channels)
  }

  var tableBytes: Int { rows.sources.byteCount + columns.sources.byteCount }

  /// Writes the map with its border.
  func fill(from input: UnsafePointer<Float>, into output: UnsafeMutablePointer<Float>, _ workers: Workers) {
    withUnsafePointer(to: (map: self, input: input, output: output)) { job in
      workers.run(parts: grid.height, context: job) { context, row, _ in
        typealias Job = (map: BorderedMap, input: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>)
        let job = context.assumingMemoryBound(to: Job.self)
        job.pointee.map.fill(row, from: job.pointee.input, into: job.pointee.output)
      }
    }
  }

  private func fill(_ row: Int, from input: UnsafePointer<Float>, into output: UnsafeMutablePointer<Float>) {
    let channels = grid.channels
    let target = output + row &* grid.width &* channels
    let source = rows.sources.base[row]
    guard source >= 0 else {
      target.update(repeating: 0, count: grid.width &* channels)
      return
    }
    let line = input + source &* inputWidth &* channels
    for column in 0..<columns.interior.lowerBound { fill(column, of: line, target) }
    (target + columns.interior.lowerBound &* channels).update(from: line, count: inputWidth &* channels)
    for column in columns.interior.upperBound..<grid.width { fill(column, of: line, target) }
  }

  private func fill(_ column: Int, of line: UnsafePointer<Float>, _ target: UnsafeMutablePointer<Float>) {
    let source = columns.sources.base[column]
    let place = target + column &* grid.channels
    if source < 0 {
      place.update(repeating: 0, count: grid.channels)
    } else {
      place.update(from: line + source &* grid.channels, count: grid.channels)
    }
  }
}
