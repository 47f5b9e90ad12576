import Layers

extension FlowTrainer {
  /// How many rows of a matrix of weights have their gradient computed and used at once, so that it stays in a core's cache.
  static let weightRowsAtOnce = 24

  /// Computes d loss / dW1 and d loss / dW2 of a block, some rows at a time, and passes them to `use`, with the derivatives
  /// with respect to its vectors.
  func useWeightGradients(_ block: Int, _ group: Group, _ use: GradientUse) {
    let start = block &* layout.count
    let parts = (first: rowParts(shape.hidden), second: rowParts(2 * shape.x2Count))
    workers.run(parts: parts.first + parts.second + 1) { part, worker in
      let gradient = scratch.weightGradients[worker].base
      if part < parts.first {
        let rows = rows(part, of: shape.hidden)
        computeFirstGradient(rows, group, into: gradient)
        use(
          start &+ layout.weight1 &+ rows.lowerBound &* shape.subnetInputs, UnsafePointer(gradient),
          rows.count &* shape.subnetInputs)
      } else if part < parts.first + parts.second {
        let rows = rows(part - parts.first, of: 2 * shape.x2Count)
        PackedMatrix.multiply(
          scratch.transposedOutputs.base + rows.lowerBound &* groupCapacity, xStride: groupCapacity, rows: rows.count,
          by: activations[block].hidden.base, depth: group.count, columns: shape.hidden, zeros: scratch.zeros.base,
          into: gradient, yStride: shape.hidden)
        use(
          start &+ layout.weight2 &+ rows.lowerBound &* shape.hidden, UnsafePointer(gradient),
          rows.count &* shape.hidden)
      } else {
        let vectors = scratch.vectorGradients
        use(start &+ layout.bias1, vectors.bias1.base, shape.hidden)
        use(start &+ layout.bias2, vectors.rest.base, layout.count &- layout.bias2)
      }
    }
  }

  /// The gradient by W1: the columns of x1, then both halves of the conditions.
  private func computeFirstGradient(_ rows: Range<Int>, _ group: Group, into gradient: UnsafeMutablePointer<Float>) {
    PackedMatrix.multiply(
      scratch.transposedHidden.base + rows.lowerBound &* groupCapacity, xStride: groupCapacity, rows: rows.count,
      by: scratch.packedX1.base, depth: group.count, columns: shape.x1Count, zeros: scratch.zeros.base,
      into: gradient, yStride: shape.subnetInputs)
    guard let conditions = group.conditions else { return }
    let half = shape.conditionChannels / 2
    for axis in 0...1 {
      PackedMatrix.multiply(
        scratch.transposedPlaces[axis].base + rows.lowerBound &* placeCapacity, xStride: placeCapacity,
        rows: rows.count, by: scratch.packedTables[axis].base, depth: conditions[axis].length, columns: half,
        zeros: scratch.zeros.base, into: gradient + (shape.x1Count + axis * half), yStride: shape.subnetInputs)
    }
  }

  func packTables(_ conditions: Conditions) {
    let half = shape.conditionChannels / 2
    for axis in 0...1 {
      PackedMatrix.pack(
        conditions[axis].table, stride: half, rows: conditions[axis].length, columns: half,
        into: scratch.packedTables[axis].base)
    }
  }

  private func rowParts(_ rows: Int) -> Int { (rows + Self.weightRowsAtOnce - 1) / Self.weightRowsAtOnce }

  private func rows(_ part: Int, of rows: Int) -> Range<Int> {
    part * Self.weightRowsAtOnce..<min((part + 1) * Self.weightRowsAtOnce, rows)
  }
}
