/// Columns of a matrix, cut into parts for the threads. The cut depends on the number of columns alone, so that sums over
/// a part's columns have the same bits for any number of threads.
struct ColumnParts {
  let count: Int
  private let columns: Int
  private let width: Int

  /// Cuts columns into 8 or more parts, where there are enough of them, of whole panels of matrix products.
  init(_ columns: Int) {
    self.columns = columns
    let share = columns / 8
    width = share < 32 ? 16 : min(share / 32 * 32, 64)
    count = (columns + width - 1) / width
  }

  subscript(part: Int) -> Range<Int> { part * width..<min((part + 1) * width, columns) }
}
