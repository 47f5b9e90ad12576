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
          for i in columns { target[i] = -rate * v[i] }
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
    var rates = 0.0
    for row in 0..<count {
      let u = u + row &* stride
      let d = d + row &* channels
      for i in columns { dScale[i] += d[i] * u[i] }
      for i in columns { dOffset[i] += d[i] }
      for i in columns { d[i] *= gain[i] }
      rates += Double(scratch.likelihood.base[row])
    }
    // g = 0.1 softplus(scale): the derivative is 0.1 sigmoid(scale / 2), and 0.1 above softplus's threshold.
    for i in columns {
      let slope: Float = 0.5 * scale[i] > 20 ? 0.1 : 0.1 / (1 + exp(-0.5 * scale[i]))
      dScale[i] = (dScale[i] + Float(rates) / gain[i]) * slope
    }
  }

  /// From du2 to dx2, in place, and to the gradients by the subnet's outputs and b2. Columns are those of x2.
  private func pullBackCoupling(_ block: Int, columns: Range<Int>, _ d: UnsafeMutablePointer<Float>, count: Int) {
    let kept = activations[block]
    let slope = description.clampAlpha * scaleFactor
    let width = layout.active
    let dBias = scratch.vectorGradients.rest.base
    for i in columns { (dBias[i], dBias[width &+ i]) = (0, 0) }
    for row in 0..<count {
      let x2 = kept.x.base + (row &* channels &+ layout.passive)
      let d = d + (row &* channels &+ layout.passive)
      let tanh = kept.tanh.base + row &* width
      let exponential = kept.exponential.base + row &* width
      let dScale = scratch.outputs.base + row &* 2 &* width
      let dShift = dScale + width
      let rate = scratch.likelihood.base[row]
      for i in columns { dShift[i] = Self.shiftFactor * d[i] }
      for i in columns { d[i] *= exponential[i] }
      for i in columns { dScale[i] = (d[i] * x2[i] + rate) * (1 - tanh[i] * tanh[i]) * slope }
      for i in columns { dBias[i] += dScale[i] }
      for i in columns { dBias[width &+ i] += dShift[i] }
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
    let kept = activations[block].hidden.base
    let d = scratch.hidden.base
    let (count, width) = (group.count, layout.hidden)
    let parts = ColumnParts(width)
    workers.run(parts: parts.count) { part, worker in
      let columns = parts[part]
      let first = columns.lowerBound
      for row in 0..<count { (d + (row &* width &+ first)).update(repeating: 0, count: columns.count) }
      ChangingWeights(
        weights + layout.weight2, rowStride: width, layout: .inputRows, inputs: 2 &* layout.active
      ).add(
        scratch.outputs.base, xStride: 2 &* layout.active, rows: count, outputs: columns, into: d, yStride: width,
        scratch: scratch.products[worker].base)
      let dBias = scratch.vectorGradients.bias1.base
      for i in columns { dBias[i] = 0 }
      for row in 0..<count {
        let hidden = kept + row &* width
        let d = d + row &* width
        for i in columns { d[i] = hidden[i] > 0 ? d[i] : 0 }
        for i in columns { dBias[i] += d[i] }
      }
      transpose(
        d + first, stride: width, rows: count, columns: columns.count,
        into: scratch.transposedHidden.base + first &* groupCapacity, stride: groupCapacity)
      PackedRows.pack(
        kept + first, stride: width, rows: count, columns: columns.count,
        into: scratch.packedHidden.base + first &* count)
      guard let conditions = group.conditions else { return }
      for axis in 0...1 { sumByPlace(conditions[axis], axis: axis, columns: columns, count: count) }
    }
  }

  private func sumByPlace(_ half: Conditions.Axis, axis: Int, columns: Range<Int>, count: Int) {
    let sums = scratch.places[axis].base
    let width = layout.hidden
    let first = columns.lowerBound
    for place in 0..<half.length { (sums + (place &* width &+ first)).update(repeating: 0, count: columns.count) }
    for row in 0..<count {
      let sum = sums + Int(half.places[row]) &* width
      let d = scratch.hidden.base + row &* width
      for i in columns { sum[i] += d[i] }
    }
    transpose(
      sums + first, stride: width, rows: half.length, columns: columns.count,
      into: scratch.transposedPlaces[axis].base + first &* placeCapacity, stride: placeCapacity)
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
        .add(
          scratch.hidden.base, xStride: layout.hidden, rows: count, outputs: columns, into: dx, yStride: channels,
          scratch: scratch.products[worker].base)
    }
  }
}
