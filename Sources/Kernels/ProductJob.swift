/// A product cut into parts of about equal work: by rows, and where there are few of them by panels too.
struct ProductJob {
  let product: Product
  private let rowParts: Int
  private let panelParts: Int
  private let panelCount: Int

  /// Rows below which a part is not worth a thread.
  private static let fewestRows = 24

  init(_ product: consuming Product, panelCount: Int, workers: Int) {
    // Some more parts than threads: they do not all run equally fast.
    let wanted = workers == 1 ? 1 : 3 * workers
    rowParts = min(wanted, max(product.rows / Self.fewestRows, 1))
    panelParts = min((wanted + rowParts - 1) / rowParts, panelCount)
    self.panelCount = panelCount
    self.product = product
  }

  var parts: Int { rowParts * panelParts }

  /// Rows and panels of a part. Rows are cut at multiples of 6, the height of a kernel's tile.
  func part(_ index: Int) -> (rows: Range<Int>, panels: Range<Int>) {
    let (row, panel) = (index % rowParts, index / rowParts)
    let tiles = (product.rows + 5) / 6
    let rows = min(tiles * row / rowParts * 6, product.rows)..<min(tiles * (row + 1) / rowParts * 6, product.rows)
    return (rows, panelCount * panel / panelParts..<panelCount * (panel + 1) / panelParts)
  }

  func run(_ workers: Workers) {
    withUnsafePointer(to: self) { job in
      workers.run(parts: parts, context: job) { context, index, _ in
        let job = context.assumingMemoryBound(to: ProductJob.self)
        let (rows, panels) = job.pointee.part(index)
        Kernels.selected.product(job.pointee.product, rows: rows, panels: panels)
      }
    }
  }
}
