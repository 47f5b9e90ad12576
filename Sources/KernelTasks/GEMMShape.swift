/// How a build of the kernels cuts matrix products, and how matrices are packed for it: in panels of outputs, each of
/// which has a vector of outputs for every group of inputs. When few outputs are left the last panel may be narrower;
/// it is padded with zeros.
package struct GEMMShape: Sendable, Equatable {
  /// Rows of x are best cut at multiples of this, since the heights of the build's tiles divide it.
  package let rowTile: Int
  /// The number of outputs of a panel.
  package let panelWidth: Int
  /// The number of outputs of the last panel when no more are left.
  package let narrowestPanel: Int
  /// Panels are best cut at multiples of this, the number of panels that are computed at once.
  package let panelsPerTile: Int
  /// How many inputs of an output lie side by side: one for kernels that multiply single numbers, four for dot products
  /// of bytes.
  package let depthGroup: Int
  /// The type of the numbers in the matrix.
  package let element: ElementType
  /// Whether a number of 16 bits is stored as two of 8 bits, 256 h + l: a panel has all h before all l.
  package let isSplit: Bool
  /// How many bytes behind the last panel may be read, whatever they are.
  package let readAhead: Int

  package init(
    rowTile: Int, panelWidth: Int, narrowestPanel: Int, panelsPerTile: Int, depthGroup: Int = 1,
    element: ElementType = .float32, isSplit: Bool = false, readAhead: Int = 0
  ) {
    self.rowTile = rowTile
    self.panelWidth = panelWidth
    self.narrowestPanel = narrowestPanel
    self.panelsPerTile = panelsPerTile
    self.depthGroup = depthGroup
    self.element = element
    self.isSplit = isSplit
    self.readAhead = readAhead
  }

  /// The number of outputs with the padding of the last panel.
  package func paddedOutputs(_ outputs: Int) -> Int {
    let left = outputs % panelWidth
    return outputs - left + (left == 0 ? 0 : left <= narrowestPanel ? narrowestPanel : panelWidth)
  }

  /// The number of outputs, with padding, of the panel that begins at an output.
  package func width(ofPanelAt first: Int, outputs: Int) -> Int { min(panelWidth, paddedOutputs(outputs) - first) }

  package func panelCount(_ outputs: Int) -> Int { (outputs + panelWidth - 1) / panelWidth }
}
