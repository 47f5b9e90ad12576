import Flows
import Kernels
import Layers

/// The two layers of a block's subnet, in both passes.
extension FlowTrainer {
  /// relu(W1 [x1, c] + b1).
  func forwardHidden(_ block: Int, _ group: Group) {
    let kept = activations[block]
    let weights = parameters.base + block &* layout.count
    let hidden = scratch.hidden.base
    let (count, width) = (group.count, shape.hidden)
    let parts = ColumnParts(width)
    workers.run(parts: parts.count) { part, worker in
      let columns = parts[part]
      let first = columns.lowerBound
      let bias = weights + layout.bias1
      let products = scratch.products[worker].base
      if let conditions = group.conditions {
        for axis in 0...1 {
          forwardConditions(conditions[axis], axis: axis, block: block, columns: columns, products: products)
        }
        let (byColumn, byRow) = (conditions.axes.0.places, conditions.axes.1.places)
        let (ofColumns, ofRows) = (scratch.places[0].base + first, scratch.places[1].base + first)
        for row in 0..<count {
          let target = hidden + (row &* width &+ first)
          let (a, b) = (ofColumns + Int(byColumn[row]) &* width, ofRows + Int(byRow[row]) &* width)
          for i in 0..<columns.count { target[i] = a[i] + b[i] }
        }
      } else {
        Rows.fill(hidden, stride: width, columns: columns, count: count, with: bias)
      }
      UnpackedMatrix(
        weights + layout.weight1, rowStride: shape.subnetInputs, layout: .outputRows, inputs: shape.x1Count
      ).multiply(
        kept.x.base, xStride: channels, rows: count, outputs: columns, adding: true, into: hidden, yStride: width,
        scratch: products)
      for row in 0..<count { Rows.rectify(hidden + (row &* width &+ first), count: columns.count) }
      PackedMatrix.pack(
        hidden + first, stride: width, rows: count, columns: columns.count, into: kept.hidden.base + first &* count)
    }
  }

  /// Multiplies each row of one half of the conditions by that half's columns of W1. The first half also adds b1, so that it is
  /// added once.
  private func forwardConditions(
    _ half: Conditions.Axis, axis: Int, block: Int, columns: Range<Int>, products: UnsafeMutablePointer<Float>
  ) {
    let weights = parameters.base + block &* layout.count
    let width = shape.hidden
    let channels = shape.conditionChannels / 2
    let target = scratch.places[axis].base
    if axis == 0 {
      Rows.fill(target, stride: width, columns: columns, count: half.length, with: weights + layout.bias1)
    }
    UnpackedMatrix(
      weights + (layout.weight1 + shape.x1Count + axis * channels), rowStride: shape.subnetInputs, layout: .outputRows,
      inputs: channels
    ).multiply(
      half.table, xStride: channels, rows: half.length, outputs: columns, adding: axis == 0, into: target,
      yStride: width, scratch: products)
  }

  /// Adds the subnet's share of the gradient by x1, and packs x1.
  func backwardHidden(_ block: Int, into dx: UnsafeMutablePointer<Float>, count: Int) {
    let weights = parameters.base + block &* layout.count
    let parts = ColumnParts(shape.x1Count)
    workers.run(parts: parts.count) { part, worker in
      let columns = parts[part]
      PackedMatrix.pack(
        activations[block].x.base + columns.lowerBound, stride: channels, rows: count, columns: columns.count,
        into: scratch.packedX1.base + columns.lowerBound &* count)
      // Nothing needs the gradient by the features.
      guard block > 0 else { return }
      UnpackedMatrix(weights + layout.weight1, rowStride: shape.subnetInputs, layout: .inputRows, inputs: shape.hidden)
        .multiply(
          scratch.hidden.base, xStride: shape.hidden, rows: count, outputs: columns, adding: true, into: dx,
          yStride: channels,
          scratch: scratch.products[worker].base)
    }
  }

  /// Computes factor (W2 hidden + b2), for the outputs of s alone (half 0) or of t (half 1).
  func forwardOutputs(
    _ block: Int, half: Int, columns: Range<Int>, factor: Float, count: Int, into output: UnsafeMutablePointer<Float>,
    worker: Int
  ) {
    let weights = parameters.base + block &* layout.count
    let width = shape.x2Count
    UnpackedMatrix(
      weights + (layout.weight2 + half * width * shape.hidden), rowStride: shape.hidden, layout: .outputRows,
      inputs: shape.hidden
    ).multiply(
      scratch.hidden.base, xStride: shape.hidden, rows: count, outputs: columns, into: output,
      yStride: width, scratch: scratch.products[worker].base)
    let (first, end) = (columns.lowerBound, columns.upperBound)
    let bias = weights + (layout.bias2 &+ half &* width)
    for row in 0..<count {
      let target = output + row &* width
      for i in first..<end { target[i] = factor * (target[i] + bias[i]) }
    }
  }

  /// Computes d loss / d(hidden before the ReLU), its sum over all fibers, which is d loss / d b1, and its sums over the fibers
  /// that share a column or a row of the grid.
  func backwardOutputs(_ block: Int, _ group: Group) {
    let weights = parameters.base + block &* layout.count
    let d = scratch.hidden.base
    let (count, width) = (group.count, shape.hidden)
    let parts = ColumnParts(width)
    workers.run(parts: parts.count) { part, worker in
      let columns = parts[part]
      let first = columns.lowerBound
      UnpackedMatrix(
        weights + layout.weight2, rowStride: width, layout: .inputRows, inputs: 2 &* shape.x2Count
      ).multiply(
        scratch.outputs.base, xStride: 2 &* shape.x2Count, rows: count, outputs: columns, into: d, yStride: width,
        scratch: scratch.products[worker].base)
      backwardRelu(of: activations[block].hidden.base, columns: columns, group)
      transpose(
        d + first, stride: width, rows: count, columns: columns.count,
        into: scratch.transposedHidden.base + first &* groupCapacity, stride: groupCapacity)
      guard let conditions = group.conditions else { return }
      for axis in 0...1 {
        transpose(
          scratch.places[axis].base + first, stride: width, rows: conditions[axis].length, columns: columns.count,
          into: scratch.transposedPlaces[axis].base + first &* placeCapacity, stride: placeCapacity)
      }
    }
  }

  /// Turns d loss / d(hidden after the ReLU) into d loss / d(hidden before it), and sums that over all fibers and over those that
  /// share a column or a row.
  ///
  /// - Parameter hidden: relu's values as ``PackedMatrix``.
  private func backwardRelu(of hidden: UnsafePointer<Float>, columns: Range<Int>, _ group: Group) {
    let (d, dBias, width) = (scratch.hidden.base, scratch.vectorGradients.bias1.base, shape.hidden)
    (dBias + columns.lowerBound).update(repeating: 0, count: columns.count)
    for axis in 0...1 {
      guard let length = group.conditions?[axis].length else { continue }
      Rows.clear(scratch.places[axis].base, stride: width, columns: columns, count: length)
    }
    func placeSums(_ axis: Int, _ first: Int) -> PlaceSums {
      let indices = group.conditions?[axis].places
      return PlaceSums(sums: indices.map { _ in scratch.places[axis].base + first }, indices: indices)
    }
    for first in stride(from: columns.lowerBound, to: columns.upperBound, by: Kernels.gemmShape.panelWidth) {
      let panelWidth = Kernels.gemmShape.width(ofPanelAt: first, outputs: width)
      Kernels.selected.reluGradient(
        ReluGradient(
          gradient: d + first, stride: width, values: hidden + first &* group.count, valueStride: panelWidth,
          sum: dBias + first, firstPlaces: placeSums(0, first), secondPlaces: placeSums(1, first)),
        rows: group.count, columns: min(panelWidth, columns.upperBound &- first))
    }
  }
}
