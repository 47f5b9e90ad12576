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
    let first = columns.lowerBound
    (dScale + first).update(repeating: 0, count: columns.count)
    (dOffset + first).update(repeating: 0, count: columns.count)
    Kernels.selected.affineGradient(
      AffineGradient(
        gradient: d + first, stride: channels, u: u + first, uStride: stride, gain: gain + first,
        gainGradient: dScale + first, offsetGradient: dOffset + first),
      rows: count, columns: columns.count)
    var rate = 0.0
    for row in 0..<count { rate += Double(scratch.likelihood.base[row]) }
    // g = 0.1 softplus(scale): the derivative is 0.1 sigmoid(scale / 2), and 0.1 above softplus's threshold.
    for i in columns {
      let slope: Float = 0.5 * scale[i] > 20 ? 0.1 : 0.1 / (1 + exp(-0.5 * scale[i]))
      dScale[i] = (dScale[i] + Float(rate) / gain[i]) * slope
    }
  }

  /// From du2 to dx2, in place, and to the gradients by the subnet's outputs and b2. Columns are those of x2.
  private func pullBackCoupling(_ block: Int, columns: Range<Int>, _ d: UnsafeMutablePointer<Float>, count: Int) {
    let kept = activations[block]
    let (width, first) = (layout.active, columns.lowerBound)
    let place = layout.passive &+ first
    let outputs = scratch.outputs.base + first
    let dBias = scratch.vectorGradients.rest.base + first
    dBias.update(repeating: 0, count: columns.count)
    (dBias + width).update(repeating: 0, count: columns.count)
    Kernels.selected.couplingGradient(
      CouplingGradient(
        gradient: d + place, x2: kept.x.base + place, stride: channels, tanh: kept.tanh.base + first,
        exponential: kept.exponential.base + first, keptStride: width, lossGradient: scratch.likelihood.base,
        scale: outputs,
        shift: outputs + width, outputStride: 2 &* width, scaleSum: dBias, shiftSum: dBias + width,
        scaleFactor: description.clampAlpha * scaleFactor, shiftFactor: Self.shiftFactor),
      rows: count, columns: columns.count)
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
      UnpackedMatrix(
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
  /// - Parameter hidden: relu's values as ``PackedMatrix``.
  private func passRelu(of hidden: UnsafePointer<Float>, columns: Range<Int>, _ group: Group) {
    let (d, dBias, width) = (scratch.hidden.base, scratch.vectorGradients.bias1.base, layout.hidden)
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

  /// Adds the subnet's share of the gradient by x1, and packs x1.
  private func pullBackHidden(_ block: Int, into dx: UnsafeMutablePointer<Float>, count: Int) {
    let weights = parameters.base + block &* layout.count
    let parts = ColumnParts(layout.passive)
    workers.run(parts: parts.count) { part, worker in
      let columns = parts[part]
      PackedMatrix.pack(
        activations[block].x.base + columns.lowerBound, stride: channels, rows: count, columns: columns.count,
        into: scratch.packedPassive.base + columns.lowerBound &* count)
      // Nobody asks for the gradient by the features.
      guard block > 0 else { return }
      UnpackedMatrix(weights + layout.weight1, rowStride: layout.inputs, layout: .inputRows, inputs: layout.hidden)
        .multiply(
          scratch.hidden.base, xStride: layout.hidden, rows: count, outputs: columns, adding: true, into: dx,
          yStride: channels,
          scratch: scratch.products[worker].base)
    }
  }
}
