import Basics
import Kernels

/// The plan for one input size of an operation whose window sees each channel by itself.
package struct WindowPlan: OperationPlan {
  package let output: Grid
  private let input: Grid
  private let window: SlidingWindow
  private let rows: WindowAxis
  private let columns: WindowAxis

  init(_ input: Grid, _ window: SlidingWindow) throws(Failure) {
    (self.input, self.window) = (input, window)
    (rows, columns) = try window.axes(input)
    output = Grid(height: rows.outputLength, width: columns.outputLength, channels: input.channels)
  }

  /// Bytes of the tables.
  package var tableBytes: Int { rows.sources.byteCount + columns.sources.byteCount }

  /// The task for one map. It is valid as long as the plan lives.
  func window(_ x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>) -> WindowedMap {
    WindowedMap(
      x: x, inputWidth: input.width, channels: input.channels, kernel: window.kernel, stride: window.stride,
      rowSources: rows.sources.base, columnSources: columns.sources.base, interiorStart: columns.interior.lowerBound,
      interiorEnd: columns.interior.upperBound,
      outputWidth: output.width, y: y)
  }

  /// The window over a map of bytes. It is valid as long as the plan lives.
  func window(_ x: UnsafePointer<UInt8>) -> QuantizedWindow {
    QuantizedWindow(
      x: x, inputWidth: input.width, channels: input.channels, kernel: window.kernel, stride: window.stride,
      rowSources: rows.sources.base, columnSources: columns.sources.base, interiorStart: columns.interior.lowerBound,
      interiorEnd: columns.interior.upperBound, outputWidth: output.width)
  }
}
