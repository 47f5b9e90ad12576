import Basics

/// A window over each channel by itself, at one input size.
package struct WindowPlan {
  package let output: Grid
  private let input: Grid
  private let kernel: Int
  private let stride: Int
  private let rows: WindowAxis
  private let columns: WindowAxis

  init(_ input: Grid, kernel: Int, stride: Int, rowBorder: Border, columnBorder: Border) throws(Failure) {
    (self.input, self.kernel, self.stride) = (input, kernel, stride)
    rows = try WindowAxis(length: input.height, kernel: kernel, stride: stride, border: rowBorder)
    columns = try WindowAxis(length: input.width, kernel: kernel, stride: stride, border: columnBorder)
    output = Grid(height: rows.outputLength, width: columns.outputLength, channels: input.channels)
  }

  /// Bytes of the tables.
  package var tableBytes: Int { rows.sources.byteCount + columns.sources.byteCount }

  /// Valid as long as the plan.
  func window(_ x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>) -> Window {
    Window(
      x: x, inputWidth: input.width, channels: input.channels, kernel: kernel, stride: stride,
      rowSources: rows.sources.base, columnSources: columns.sources.base, interior: columns.interior,
      outputWidth: output.width, y: y)
  }
}
