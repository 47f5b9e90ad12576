/// A matrix product, cut into parts of about equal work: by rows, and where there are few rows by panels too.
struct GEMMJob {
  let task: GEMM
  private let rowParts: Int
  private let panelParts: Int
  private let shape: GEMMShape

  /// The fewest rows that a part with all weights should have. With fewer rows reading the weights takes most of the
  /// time, so that parts get some of the weights each.
  private static let fewestRows = 96

  /// - Parameter shape: the shape that the task's panels were packed for.
  init(_ task: GEMM, shape: GEMMShape, workers: Int) {
    // There are more parts than threads, since threads do not all run equally fast.
    let wanted = workers == 1 ? 1 : 3 * workers
    rowParts = min(wanted, max(task.rows / Self.fewestRows, 1))
    let panelGroups = (shape.panelCount(task.outputs) + shape.panelsPerTile - 1) / shape.panelsPerTile
    panelParts = min((wanted + rowParts - 1) / rowParts, panelGroups)
    self.shape = shape
    self.task = task
  }

  var parts: Int { rowParts * panelParts }

  /// The rows and the panels of a part.
  func part(_ index: Int) -> (rows: Range<Int>, panels: Range<Int>) {
    // A band of parts is a band of rows (``PartBands``).
    let (row, panel) = (index / panelParts, index % panelParts)
    return (
      Self.share(row, of: rowParts, count: task.rows, multiple: shape.rowTile),
      Self.share(panel, of: panelParts, count: shape.panelCount(task.outputs), multiple: shape.panelsPerTile)
    )
  }

  /// One of `shares` about equal ranges of `count`, cut at multiples of `multiple`.
  private static func share(_ index: Int, of shares: Int, count: Int, multiple: Int) -> Range<Int> {
    let units = (count + multiple - 1) / multiple
    return min(units * index / shares * multiple, count)..<min(units * (index + 1) / shares * multiple, count)
  }

  func run(_ workers: Workers) {
    withUnsafePointer(to: self) { job in
      workers.run(parts: parts, context: job) { context, index, _ in
        let job = context.assumingMemoryBound(to: GEMMJob.self)
        let (rows, panels) = job.pointee.part(index)
        Kernels.selected.gemm(job.pointee.task, rows: rows, panels: panels)
      }
    }
  }
}
