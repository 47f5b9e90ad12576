/// y = activation(W x * scale + bias + residual) for rows of x: the work of a linear layer, a 1x1 convolution or, with
/// `offsets`, any other convolution.
///
/// A row of x is `taps` runs of `depth` floats, which lie where `offsets` says (indirect convolution: Dukhan, "The indirect
/// convolution algorithm", 2019); W is packed once into panels of outputs. Every output is summed in one order, whatever rows
/// or panels are computed together: products by tap and then along the run, ``runLength`` of them in a sum of their own;
/// these sums; times the scale and plus the bias; the residual. An addition loses as much as the sum is large that it adds
/// to, so that a sum of n products in one go loses more as n grows, and one that begins with the bias loses the bias's share
/// n times.
package struct Product {
  /// Outputs of a panel; the last one is half as wide when 8 outputs or fewer are left.
  package static let panelWidth = 16
  /// Rows are best cut at multiples of this, and panels at multiples of 2: the tiles of every build divide them.
  package static let tileRows = 12
  /// Products that are added up before they are added to the total, which takes as long as five of them: sums that are not
  /// longer do without.
  package static let runLength = 128

  package var rows: Int
  package var x: UnsafePointer<Float>
  /// Floats from one row of x to the next; not used with `offsets`.
  package var xStride: Int
  /// For each row, for each tap: where its run begins, in floats from `x`; negative for a run of zeros. nil: one tap,
  /// rows `xStride` apart.
  package var offsets: UnsafePointer<Int32>?
  package var taps: Int
  package var depth: Int
  /// `depth` zeros.
  package var zeros: UnsafePointer<Float>

  package var panels: UnsafePointer<Float>
  /// What to fetch into the caches meanwhile, as many floats as a pair of panels has; nil: the panels that follow.
  package var next: UnsafePointer<Float>?
  package let outputs: Int
  /// Outputs with the padding of the last panel: the length of bias vectors.
  package let paddedOutputs: Int

  /// Of each output, as long as the panels are wide together; nil for 1. A BatchNorm's: weights that it were multiplied into
  /// would be rounded once more each.
  package var scale: UnsafePointer<Float>?
  package var bias: Bias
  /// Rows as y's; may be y itself.
  package var residual: UnsafePointer<Float>?
  package var activation: Activation
  package var y: UnsafeMutablePointer<Float>
  package var yStride: Int

  /// What is added to the sums. Vectors are as long as the panels are wide together.
  package enum Bias {
    /// The same vector for every row.
    case shared(UnsafePointer<Float>)
    /// `rows[position / width] + columns[position % width]`, row i of x being position `first` + i.
    case grid(rows: UnsafePointer<Float>, columns: UnsafePointer<Float>, width: Int, first: Int)
  }

  package init(
    rows: Int, x: UnsafePointer<Float>, xStride: Int, offsets: UnsafePointer<Int32>? = nil, taps: Int = 1, depth: Int,
    zeros: UnsafePointer<Float>, panels: UnsafePointer<Float>, outputs: Int, bias: Bias,
    residual: UnsafePointer<Float>?, activation: Activation, y: UnsafeMutablePointer<Float>, yStride: Int
  ) {
    self.rows = rows
    self.x = x
    self.xStride = xStride
    self.offsets = offsets
    self.taps = taps
    self.depth = depth
    self.zeros = zeros
    self.panels = panels
    self.outputs = outputs
    self.paddedOutputs = Self.paddedOutputs(outputs)
    self.bias = bias
    self.residual = residual
    self.activation = activation
    self.y = y
    self.yStride = yStride
  }

  /// Outputs with the padding of the last panel.
  package static func paddedOutputs(_ outputs: Int) -> Int {
    let left = outputs % panelWidth
    return outputs - left + (left == 0 ? 0 : left <= panelWidth / 2 ? panelWidth / 2 : panelWidth)
  }
}
