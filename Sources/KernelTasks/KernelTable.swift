import CKernelTasks

/// The inner loops, which each build implements for one kind of processor. Ranges of rows, panels, tiles and channels
/// let threads share a task; they begin at 0.
///
/// Implementations must not allocate, use collections or generic functions of the standard library, or store values
/// outside of the task: see docs/architecture.md, "The kernel seam".
package protocol KernelTable: GEMMKernels, ConvolutionKernels, MapKernels, FlowKernels, TrainingKernels, MathKernels {
  /// The instructions that the build is for, e.g. "AVX2+FMA".
  var name: String { get }
}

package protocol GEMMKernels: Sendable {
  /// How ``gemm(_:rows:panels:)`` cuts its work and which panels it reads.
  var gemmShape: GEMMShape { get }
  /// Computes some of the rows and some of the panels.
  func gemm(_ task: borrowing GEMM, rows: Range<Int>, panels: Range<Int>)
  /// Multiplies some of the rows by their matrices.
  func triangularProduct(_ task: borrowing TriangularProduct, rows: Range<Int>)
  func byteTriangularProduct(_ task: borrowing ByteTriangularProduct, rows: Range<Int>)
}

package protocol ConvolutionKernels: Sendable {
  /// Computes some of the output rows.
  func depthwise(_ task: borrowing Depthwise, outputRows: Range<Int>)
  /// Computes some of the output rows: the maximum of what the window sees, NaN if that has one.
  func maxPooling(_ task: borrowing WindowedMap, outputRows: Range<Int>)
  /// Transforms some tiles, counted from the task's first.
  func winogradInput(_ task: WinogradInput, tiles: Range<Int>)
  /// Transforms a panel's kernels for a row of places.
  func winogradWeights(_ task: WinogradWeights)
  /// Transforms some tiles back, counted from the task's first.
  func winogradOutput(_ task: WinogradOutput, tiles: Range<Int>)
}

/// Kernels over channels and rows of maps.
package protocol MapKernels: Sendable {
  /// output = a + b; output may be one of them.
  func add(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, count: Int, into output: UnsafeMutablePointer<Float>)
  /// Adds the mean of the task's rows, times a factor, to `length` values.
  func addRowMean(_ task: borrowing RowMean, times factor: Float, to target: UnsafeMutablePointer<Float>)
  /// Computes the means of some of the channels; ranges begin at multiples of 32.
  func channelMean(_ task: borrowing ChannelMean, channels: Range<Int>)
  func channelAffine(_ task: borrowing ChannelAffine, rows: Range<Int>)
  func rowNorm(_ task: borrowing RowNorm, rows: Range<Int>)
  /// Replaces, in place, each row of `count` values by e^x divided by the row's sum of e^x.
  func softmax(_ values: UnsafeMutablePointer<Float>, rows: Int, count: Int)
}

package protocol FlowKernels: Sendable {
  func coupling(_ task: borrowing Coupling, rows: Range<Int>)
  /// Computes the squared length of u * scale + offset for each row.
  func squaredNorms(_ task: borrowing GlobalAffine, rows: Range<Int>, into norms: UnsafeMutablePointer<Float>)
}

/// Kernels of training. Rows and columns are counted from the task's first.
package protocol TrainingKernels: Sendable {
  func reluGradient(_ task: borrowing ReluGradient, rows: Int, columns: Int)
  func affineGradient(_ task: borrowing AffineGradient, rows: Int, columns: Int)
  func couplingGradient(_ task: borrowing CouplingGradient, rows: Int, columns: Int)
  func adam(_ step: borrowing AdamStep)
}

package protocol MathKernels: Sendable {
  /// Computes e^x in place, with arguments clamped to +-87. Error below 2 units in the last place.
  func exp(_ values: UnsafeMutablePointer<Float>, count: Int)
  /// Computes tanh x in place. Error below 4 units in the last place.
  func tanh(_ values: UnsafeMutablePointer<Float>, count: Int)
}
