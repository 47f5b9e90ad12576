/// Brings an anomaly map from the network's size to a frame's: bilinear, cell by cell, the inverse of the frame's resize.
/// Keeps its tables of the last few frame sizes.
struct MapResampler {
  private let width: Int
  private let height: Int
  /// The latest first.
  private var tables: [Tables] = []

  /// For one frame size.
  private struct Tables {
    let rows: ResampledAxis
    let columns: ResampledAxis
  }

  /// Frame sizes that are remembered.
  private static let capacity = 4

  /// For maps of this size.
  init(width: Int, height: Int) {
    self.width = width
    self.height = height
    tables.reserveCapacity(Self.capacity)
  }

  /// - Parameter output: frameHeight x frameWidth values.
  mutating func resample(
    _ map: UnsafePointer<Float>, frameWidth: Int, frameHeight: Int, into output: UnsafeMutablePointer<Float>
  ) {
    prepare(frameWidth: frameWidth, frameHeight: frameHeight)
    let (rows, columns) = (tables[0].rows, tables[0].columns)
    for y in 0..<frameHeight {
      let row = rows[y]
      let upper = map + row.first &* width
      let lower = map + row.second &* width
      let target = output + y &* frameWidth
      for x in 0..<frameWidth { target[x] = bilinear(upper, lower, row: row, column: columns[x]) }
    }
  }

  /// Makes the tables of this frame size the first ones.
  private mutating func prepare(frameWidth: Int, frameHeight: Int) {
    for place in tables.indices
    where tables[place].rows.count == frameHeight && tables[place].columns.count == frameWidth {
      for index in stride(from: place, to: 0, by: -1) { tables.swapAt(index, index - 1) }
      return
    }
    if tables.count == Self.capacity { tables.removeLast() }
    let new = Tables(
      rows: ResampledAxis(length: height, cellsTo: frameHeight),
      columns: ResampledAxis(length: width, cellsTo: frameWidth))
    tables.insert(new, at: 0)
  }
}
