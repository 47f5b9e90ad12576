/// How a build of the kernels cuts matrix products, and how matrices are packed for it: panels of outputs, and in a panel for
/// each group of inputs a vector of outputs. The last panel is half as wide when few outputs are left, and filled up with
/// zeros.
package struct GEMMShape: Sendable, Equatable {
  /// Rows of x are best cut at multiples of this: the heights of the build's tiles divide it.
  package let rowTile: Int
  /// Outputs of a panel.
  package let panelWidth: Int
  /// Panels are best cut at multiples of this: so many are computed at once.
  package let panelsPerTile: Int
  /// Inputs of an output that lie side by side: one where a kernel multiplies single numbers, four for dot products of bytes.
  package let depthGroup: Int
  /// What x and the matrix hold.
  package let element: ElementType

  package init(rowTile: Int, panelWidth: Int, panelsPerTile: Int, depthGroup: Int = 1, element: ElementType = .float32)
  {
    self.rowTile = rowTile
    self.panelWidth = panelWidth
    self.panelsPerTile = panelsPerTile
    self.depthGroup = depthGroup
    self.element = element
  }

  /// Outputs with the padding of the last panel.
  package func paddedOutputs(_ outputs: Int) -> Int {
    let left = outputs % panelWidth
    return outputs - left + (left == 0 ? 0 : left <= panelWidth / 2 ? panelWidth / 2 : panelWidth)
  }

  /// Outputs of the panel that begins at one, with padding.
  package func width(ofPanelAt first: Int, outputs: Int) -> Int { min(panelWidth, paddedOutputs(outputs) - first) }

  package func panelCount(_ outputs: Int) -> Int { (outputs + panelWidth - 1) / panelWidth }
}
