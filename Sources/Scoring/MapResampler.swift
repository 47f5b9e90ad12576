/// Brings an anomaly map from the network's size to a frame's: bilinear, cell by cell, the inverse of the frame's resize.
/// Keeps its tables until a frame of another size comes.
struct MapResampler {
  private let width: Int
  private let height: Int
  private var frameWidth = 0
  private var frameHeight = 0
  private var rows: ResampledAxis
  private var columns: ResampledAxis

  /// For maps of this size.
  init(width: Int, height: Int) {
    self.width = width
    self.height = height
    rows = ResampledAxis(length: height, cellsTo: 0)
    columns = ResampledAxis(length: width, cellsTo: 0)
  }

  /// - Parameter output: frameHeight x frameWidth values.
  mutating func resample(
    _ map: UnsafePointer<Float>, frameWidth: Int, frameHeight: Int, into output: UnsafeMutablePointer<Float>
  ) {
    if frameWidth != self.frameWidth || frameHeight != self.frameHeight {
      rows = ResampledAxis(length: height, cellsTo: frameHeight)
      columns = ResampledAxis(length: width, cellsTo: frameWidth)
      self.frameWidth = frameWidth
      self.frameHeight = frameHeight
    }
    for y in 0..<frameHeight {
      let row = rows[y]
      let upper = map + row.first &* width
      let lower = map + row.second &* width
      let target = output + y &* frameWidth
      for x in 0..<frameWidth { target[x] = bilinear(upper, lower, row: row, column: columns[x]) }
    }
  }
}
