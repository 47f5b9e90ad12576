import Flows
import Glibc
import Kernels

extension FlowTrainer {
  /// Receives a piece of the gradient: where it begins among all trainable numbers, the values, how many; may change
  /// these parameters. Called by all threads at the same time, for each number once.
  typealias GradientUse = (_ first: Int, _ gradient: UnsafePointer<Float>, _ count: Int) -> Void

  /// Follows the last ``forward(_:)`` back, from the last block to the first.
  func backward(_ group: Group, use: GradientUse) {
    if let conditions = group.conditions { packTables(conditions) }
    for block in activations.indices.reversed() {
      // Where the gradient by y was left, and where that by x is to go.
      let dy = scratch.gradients[(block + 1) % 2].base
      let dx = scratch.gradients[block % 2].base
      pullBackMixing(block, dy, into: dx, count: group.count)
      pullBackOutputs(block, group)
      pullBackHidden(block, into: dx, count: group.count)
      // Last: the weights may change when nothing needs them any more.
      useWeightGradients(block, group, use)
    }
  }

  /// From dy to dv, du and dx2, by columns; x1's share through the subnet is added later. The gradients by the subnet's
  /// outputs, b2, scale and offset.
  private func pullBackMixing(
    _ block: Int, _ dy: UnsafePointer<Float>, into d: UnsafeMutablePointer<Float>, count: Int
  ) {
    let isLast = block + 1 == activations.count
    let parts = ColumnParts(channels)
    let passive = layout.passive
    workers.run(parts: parts.count) { part, worker in
      let columns = parts[part]
      if isLast {
        // d log p / dv = -v: the last mixing is left out.
        for row in 0..<count {
          let rate = scratch.likelihood.base[row]
          let v = scratch.affine.base + row &* channels
          let target = d + row &* channels
          for i in columns.lowerBound..<columns.upperBound { target[i] = -rate * v[i] }
        }
      } else {
        mixings[block].pullBack(
          dy, count: count, channels: channels, columns: columns, into: d, scratch: scratch.products[worker].base)
      }
      let kept = activations[block]
      let first = columns.lowerBound..<max(columns.lowerBound, min(columns.upperBound, passive))
      let second = min(max(columns.lowerBound, passive), columns.upperBound)..<columns.upperBound
      pullBackAffine(block, columns: first, of: kept.x.base, stride: channels, d, count: count)
      guard !second.isEmpty else { return }
      pullBackAffine(
        block, columns: second, of: kept.coupled.base - passive, stride: layout.active, d, count: count)
      pullBackCoupling(block, columns: second.lowerBound - passive..<second.upperBound - passive, d, count: count)
    }
  }

  /// From dv to du in place; the gradients of scale and offset.
  private func pullBackAffine(
    _ block: Int, columns: Range<Int>, of u: UnsafePointer<Float>, stride: Int, _ d: UnsafeMutablePointer<Float>,
    count: Int
  ) {
    let gain = activations[block].gain.base
    let scale = parameters.base + (block &* layout.count &+ layout.scale)
    let dScale = scratch.vectorGradients.rest.base + (layout.scale - layout.bias2)
    let dOffset = scratch.vectorGradients.rest.base + (layout.offset - layout.bias2)
    for i in columns { (dScale[i], dOffset[i]) = (0, 0) }
    let (first, end) = (columns.lowerBound, columns.upperBound)
    let rates = scratch.likelihood.base
    var rate = 0.0
    for row in 0..<count {
      let u = u + row &* stride
      let d = d + row &* channels
      for i in first..<end { dScale[i] += d[i] * u[i] }
      for i in first..<end { dOffset[i] += d[i] }
      for i in first..<end { d[i] *= gain[i] }
      rate += Double(rates[row])
    }
    // g = 0.1 softplus(scale): the derivative is 0.1 sigmoid(scale / 2), and 0.1 above softplus's threshold.
    for i in columns {
      let slope: Float = 0.5 * scale[i] > 20 ? 0.1 : 0.1 / (1 + exp(-0.5 * scale[i]))
      dScale[i] = (dScale[i] + Float(rate) / gain[i]) * slope
    }
  }

  /// From du2 to dx2, in place, and to the gradients by the subnet's outputs and b2. Columns are those of x2.
  private func pullBackCoupling(_ block: Int, columns: Range<Int>, _ d: UnsafeMutablePointer<Float>, count: Int) {
    let kept = activations[block]
    let slope = description.clampAlpha * scaleFactor
    let width = layout.active
    let dBias = scratch.vectorGradients.rest.base
    for i in columns { (dBias[i], dBias[width &+ i]) = (0, 0) }
    let (first, end) = (columns.lowerBound, columns.upperBound)
    let (rates, outputs, passive) = (scratch.likelihood.base, scratch.outputs.base, layout.passive)
    let (x, tanhs, exponentials) = (kept.x.base, kept.tanh.base, kept.exponential.base)
    for row in 0..<count {
      let x2 = x + (row &* channels &+ passive)
      let d = d + (row &* channels &+ passive)
      let tanh = tanhs + row &* width
      let exponential = exponentials + row &* width
      let dScale = outputs + row &* 2 &* width
      let dShift = dScale + width
      let rate = rates[row]
      for i in first..<end { dShift[i] = Self.shiftFactor * d[i] }
      for i in first..<end { d[i] *= exponential[i] }
      for i in first..<end { dScale[i] = (d[i] * x2[i] + rate) * (1 - tanh[i] * tanh[i]) * slope }
      for i in first..<end { dBias[i] += dScale[i] }
      for i in first..<end { dBias[width &+ i] += dShift[i] }
    }
    for half in 0...1 {
      let first = half &* width &+ columns.lowerBound
      transpose(
        scratch.outputs.base + first, stride: 2 &* width, rows: count, columns: columns.count,
        into: scratch.transposedOutputs.base + first &* groupCapacity, stride: groupCapacity)
    }
  }

  /// The gradients by the hidden units before their relu and by b1; the sums of the former over the fibers of each place.
  private func pullBackOutputs(_ block: Int, _ group: Group) {
    let weights = parameters.base + block &* layout.count
    let d = scratch.hidden.base
    let (count, width) = (group.count, layout.hidden)
    let parts = ColumnParts(width)
    workers.run(parts: parts.count) { part, worker in
      let columns = parts[part]
      let first = columns.lowerBound
      ChangingWeights(
        weights + layout.weight2, rowStride: width, layout: .inputRows, inputs: 2 &* layout.active
      ).multiply(
        scratch.outputs.base, xStride: 2 &* layout.active, rows: count, outputs: columns, into: d, yStride: width,
        scratch: scratch.products[worker].base)
      passRelu(of: activations[block].hidden.base, columns: columns, group)
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

  /// From the gradient by the hidden units to that before their relu, and its sums over all fibers and over those of each
  /// place.
  ///
  /// - Parameter hidden: relu's values as ``PackedRows``.
  private func passRelu(of hidden: UnsafePointer<Float>, columns: Range<Int>, _ group: Group) {
    for column in stride(from: columns.lowerBound, to: columns.upperBound, by: Product.panelWidth) {
      let panel = hidden + column &* group.count
      let panelWidth = PackedRows.width(ofPanelAt: column, columns: layout.hidden)
      let count = min(panelWidth, columns.upperBound &- column)
      for row in 0..<group.count {
        Rows.pullBackRelu(
          scratch.hidden.base + (row &* layout.hidden &+ column), value: panel + row &* panelWidth, count: count)
      }
    }
    let (first, count, width) = (columns.lowerBound, columns.count, layout.hidden)
    let dBias = scratch.vectorGradients.bias1.base + first
    dBias.update(repeating: 0, count: count)
    let (sums0, sums1) = (scratch.places[0].base + first, scratch.places[1].base + first)
    let d = scratch.hidden.base + first
    guard let conditions = group.conditions else {
      for row in 0..<group.count { Rows.add(d + row &* width, to: dBias, count: count) }
      return
    }
    let (places0, places1) = (conditions.axes.0.places, conditions.axes.1.places)
    Rows.clear(scratch.places[0].base, stride: width, columns: columns, count: conditions.axes.0.length)
    Rows.clear(scratch.places[1].base, stride: width, columns: columns, count: conditions.axes.1.length)
    for row in 0..<group.count {
      let gradient = d + row &* width
      Rows.add(gradient, to: dBias, count: count)
      Rows.add(gradient, to: sums0 + Int(places0[row]) &* width, count: count)
      Rows.add(gradient, to: sums1 + Int(places1[row]) &* width, count: count)
    }
  }

  /// Adds the subnet's share of the gradient by x1, and packs x1.
  private func pullBackHidden(_ block: Int, into dx: UnsafeMutablePointer<Float>, count: Int) {
    let weights = parameters.base + block &* layout.count
    let parts = ColumnParts(layout.passive)
    workers.run(parts: parts.count) { part, worker in
      let columns = parts[part]
      PackedRows.pack(
        activations[block].x.base + columns.lowerBound, stride: channels, rows: count, columns: columns.count,
        into: scratch.packedPassive.base + columns.lowerBound &* count)
      // Nobody asks for the gradient by the features.
      guard block > 0 else { return }
      ChangingWeights(weights + layout.weight1, rowStride: layout.inputs, layout: .inputRows, inputs: layout.hidden)
        .multiply(
          scratch.hidden.base, xStride: layout.hidden, rows: count, outputs: columns, adding: true, into: dx,
          yStride: channels,
          scratch: scratch.products[worker].base)
    }
  }
}
