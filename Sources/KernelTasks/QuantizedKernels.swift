import CKernelTasks

/// The kernels of float32 that 8-bit detectors use. All builds give the same bits: products are added with one rounding.
package typealias ExactKernels = GEMMKernels & FlowKernels & MathKernels

/// The inner loops of 8-bit detectors: see ``KernelTable``. All builds give the same bits.
package protocol QuantizedKernels: Sendable {
  /// How ``quantizedGEMM(_:rows:panels:)`` cuts its work, and what panels it reads.
  ///
  /// - Parameter weights: what they are, `int8` or `int16`. The shape's element is what panels hold.
  func quantizedShape(weights: ElementType) -> GEMMShape
  /// Computes some of the rows and some of the panels.
  func quantizedGEMM(_ task: borrowing QuantizedGEMM, rows: Range<Int>, panels: Range<Int>)
  /// Quantizes some of the rows.
  func quantize(_ task: borrowing RowQuantization, rows: Range<Int>)
  /// Computes some of the rows.
  func rowScaledGEMM(_ task: borrowing RowScaledGEMM, rows: Range<Int>)
  /// Transforms some of the rows.
  func hadamard(_ task: borrowing HadamardTransform, rows: Range<Int>)
  /// Computes some of the output rows.
  func quantizedDepthwise(_ task: borrowing QuantizedDepthwise, outputRows: Range<Int>)
  /// Computes some of the output rows: the maximum of what the window sees.
  func quantizedMaxPooling(
    _ window: borrowing QuantizedWindow, outputRows: Range<Int>, into y: UnsafeMutablePointer<UInt8>)
  /// Computes the means of some of the channels.
  func quantizedMean(_ task: borrowing QuantizedMean, channels: Range<Int>)
  /// Computes some of the rows.
  func quantizedAffine(_ task: borrowing QuantizedAffine, rows: Range<Int>)
}
