import Flows
import Glibc
import Kernels

extension FlowTrainer {
  /// How the subnet's outputs become what tanh is taken of: 0.1, and 1 / alpha for the scaled clamp.
  var scaleFactor: Float { description.clamp == .tanh ? 0.1 : 0.1 / description.clampAlpha }

  static let shiftFactor: Float = 0.1

  /// Runs the group through the blocks, keeps the activations, and leaves the loss's gradient by each log p in
  /// `scratch.likelihood`.
  ///
  /// - Returns: the mean loss.
  func forward(_ group: Group) -> Float {
    if let logDeterminants = group.logDeterminants {
      scratch.likelihood.base.update(from: logDeterminants, count: group.count)
    } else {
      scratch.likelihood.base.update(repeating: 0, count: group.count)
    }
    activations.first?.x.base.update(from: group.fibers, count: group.count &* channels)
    var constant = -0.9189385332046727 * Double(channels)
    for block in activations.indices {
      computeHidden(block, group)
      constant += couple(block, count: group.count)
      if block + 1 < activations.count { mix(block, count: group.count) }
    }
    return loss(constant: constant, count: group.count)
  }

  /// relu(W1 [x1, c] + b1).
  private func computeHidden(_ block: Int, _ group: Group) {
    let kept = activations[block]
    let weights = parameters.base + block &* layout.count
    let hidden = scratch.hidden.base
    let (count, width) = (group.count, layout.hidden)
    let parts = ColumnParts(width)
    workers.run(parts: parts.count) { part, worker in
      let columns = parts[part]
      let first = columns.lowerBound
      let bias = weights + layout.bias1
      let products = scratch.products[worker].base
      if let conditions = group.conditions {
        for axis in 0...1 {
          applyConditions(conditions[axis], axis: axis, block: block, columns: columns, products: products)
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
      UnpackedMatrix(weights + layout.weight1, rowStride: layout.inputs, layout: .outputRows, inputs: layout.passive)
        .multiply(
          kept.x.base, xStride: channels, rows: count, outputs: columns, adding: true, into: hidden, yStride: width,
          scratch: products)
      for row in 0..<count { Rows.rectify(hidden + (row &* width &+ first), count: columns.count) }
      PackedMatrix.pack(
        hidden + first, stride: width, rows: count, columns: columns.count, into: kept.hidden.base + first &* count)
    }
  }

  /// W1's product with one half of the conditions, for each of its places; the first half brings b1.
  private func applyConditions(
    _ half: Conditions.Axis, axis: Int, block: Int, columns: Range<Int>, products: UnsafeMutablePointer<Float>
  ) {
    let weights = parameters.base + block &* layout.count
    let width = layout.hidden
    let channels = layout.conditions / 2
    let target = scratch.places[axis].base
    if axis == 0 {
      Rows.fill(target, stride: width, columns: columns, count: half.length, with: weights + layout.bias1)
    }
    UnpackedMatrix(
      weights + (layout.weight1 + layout.passive + axis * channels), rowStride: layout.inputs, layout: .outputRows,
      inputs: channels
    ).multiply(
      half.table, xStride: channels, rows: half.length, outputs: columns, adding: axis == 0, into: target,
      yStride: width, scratch: products)
  }

  /// The subnet's second layer, u2 = x2 e^j + t and v = u g + offset; adds sum j to each log p.
  ///
  /// - Returns: sum ln g.
  private func couple(_ block: Int, count: Int) -> Double {
    let parts = ColumnParts(layout.passive)
    workers.run(parts: parts.count) { part, worker in
      let columns = parts[part]
      // x2 is as long as x1, or one shorter.
      let active = columns.lowerBound..<max(columns.lowerBound, min(columns.upperBound, layout.active))
      if !active.isEmpty {
        let kept = activations[block]
        computeOutputs(
          block, half: 0, columns: active, factor: scaleFactor, count: count, into: kept.tanh.base, worker: worker)
        computeOutputs(
          block, half: 1, columns: active, factor: Self.shiftFactor, count: count, into: kept.coupled.base,
          worker: worker)
        transform(block, columns: active, count: count, sums: scratch.partialSums.base + part &* groupCapacity)
      } else {
        (scratch.partialSums.base + part &* groupCapacity).update(repeating: 0, count: count)
      }
      scratch.partialLogarithms.base[part] = scaleAndShift(block, passive: columns, active: active, count: count)
    }
    var logarithms = 0.0
    for part in 0..<parts.count {
      let sums = scratch.partialSums.base + part &* groupCapacity
      for row in 0..<count { scratch.likelihood.base[row] += sums[row] }
      logarithms += scratch.partialLogarithms.base[part]
    }
    return logarithms
  }

  /// factor (W2 hidden + b2), of W2 the half of s (0) or of t (1).
  private func computeOutputs(
    _ block: Int, half: Int, columns: Range<Int>, factor: Float, count: Int, into output: UnsafeMutablePointer<Float>,
    worker: Int
  ) {
    let weights = parameters.base + block &* layout.count
    let width = layout.active
    UnpackedMatrix(
      weights + (layout.weight2 + half * width * layout.hidden), rowStride: layout.hidden, layout: .outputRows,
      inputs: layout.hidden
    ).multiply(
      scratch.hidden.base, xStride: layout.hidden, rows: count, outputs: columns, into: output,
      yStride: width, scratch: scratch.products[worker].base)
    let (first, end) = (columns.lowerBound, columns.upperBound)
    let bias = weights + (layout.bias2 &+ half &* width)
    for row in 0..<count {
      let target = output + row &* width
      for i in first..<end { target[i] = factor * (target[i] + bias[i]) }
    }
  }

  /// From s to tanh and e^j, from t to x2 e^j + t; each row's sum of j.
  private func transform(_ block: Int, columns: Range<Int>, count: Int, sums: UnsafeMutablePointer<Float>) {
    let kept = activations[block]
    let alpha = description.clampAlpha
    let width = columns.count
    for row in 0..<count {
      let first = row &* layout.active &+ columns.lowerBound
      let tanh = kept.tanh.base + first
      let exponential = kept.exponential.base + first
      let coupled = kept.coupled.base + first
      let x2 = kept.x.base + (row &* channels &+ layout.passive &+ columns.lowerBound)
      Kernels.selected.tanh(tanh, count: width)
      for i in 0..<width { exponential[i] = alpha * tanh[i] }
      Kernels.selected.exp(exponential, count: width)
      for i in 0..<width { coupled[i] += x2[i] * exponential[i] }
      sums[row] = alpha * sum(tanh, count: width)
    }
  }

  /// v = u g + offset.
  ///
  /// - Returns: sum ln g.
  private func scaleAndShift(_ block: Int, passive: Range<Int>, active: Range<Int>, count: Int) -> Double {
    let kept = activations[block]
    let weights = parameters.base + block &* layout.count
    let gain = kept.gain.base
    let offset = weights + layout.offset
    let n1 = layout.passive
    var logarithms = 0.0
    func computeGain(_ i: Int) {
      let g = BlockParameters.scale(weights[layout.scale &+ i])
      gain[i] = Float(g)
      logarithms += log(g)
    }
    for i in passive { computeGain(i) }
    for i in active { computeGain(n1 &+ i) }
    let (first, end, activeEnd) = (passive.lowerBound, passive.upperBound, active.upperBound)
    let (xs, us, vs, width) = (kept.x.base, kept.coupled.base, scratch.affine.base, layout.active)
    for row in 0..<count {
      let (x, u, v) = (xs + row &* channels, us + row &* width, vs + row &* channels)
      for i in first..<end { v[i] = x[i] * gain[i] + offset[i] }
      for i in first..<activeEnd { v[n1 &+ i] = u[i] * gain[n1 &+ i] + offset[n1 &+ i] }
    }
    return logarithms
  }

  /// The next block's x.
  private func mix(_ block: Int, count: Int) {
    let parts = ColumnParts(channels)
    workers.run(parts: parts.count) { part, worker in
      mixings[block].apply(
        scratch.affine.base, count: count, channels: channels, columns: parts[part],
        into: activations[block + 1].x.base, scratch: scratch.products[worker].base)
    }
  }

  /// The loss, with |z| of the last block's v; see ``forward(fibers:conditions:count:)``.
  private func loss(constant: Double, count: Int) -> Float {
    var total = 0.0
    var likelihoods = 0.0
    let size = Double(channels)
    for row in 0..<count {
      let square = sumOfSquares(scratch.affine.base + row &* channels, count: channels)
      let logLikelihood = constant + Double(scratch.likelihood.base[row]) - 0.5 * Double(square)
      let value = logLikelihood / size
      likelihoods += value
      // -ln sigmoid(v) = ln(1 + e^-v), without overflow.
      let decay = exp(-abs(value))
      total += max(-value, 0) + log1p(decay)
      // Its derivative -sigmoid(-v), and v = log p / C of a mean over the group.
      let derivative = value > 0 ? -decay / (1 + decay) : -1 / (1 + decay)
      scratch.likelihood.base[row] = Float(derivative / (size * Double(count)))
    }
    meanLogLikelihood = likelihoods / Double(count)
    return Float(total / Double(count))
  }
}

/// In eight lanes: a fixed order that the compiler can vectorize.
private func sum(_ values: UnsafePointer<Float>, count: Int) -> Float {
  var lanes = SIMD8<Float>()
  var i = 0
  while i &+ 8 <= count {
    lanes += UnsafeRawPointer(values + i).loadUnaligned(as: SIMD8<Float>.self)
    i &+= 8
  }
  var total = lanes.sum()
  while i < count {
    total += values[i]
    i &+= 1
  }
  return total
}

private func sumOfSquares(_ values: UnsafePointer<Float>, count: Int) -> Float {
  var lanes = SIMD8<Float>()
  var i = 0
  while i &+ 8 <= count {
    let part = UnsafeRawPointer(values + i).loadUnaligned(as: SIMD8<Float>.self)
    lanes += part * part
    i &+= 8
  }
  var total = lanes.sum()
  while i < count {
    total += values[i] * values[i]
    i &+= 1
  }
  return total
}
