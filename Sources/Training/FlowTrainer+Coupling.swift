import Basics
import Flows
import Kernels
import Layers

/// The coupling of a block, its global affine and its mixing, in both passes.
extension FlowTrainer {
  /// How the subnet's outputs become what tanh is taken of: 0.1, and 1 / alpha for the scaled clamp.
  private var scaleFactor: Float { description.clamp == .tanh ? 0.1 : 0.1 / description.clampAlpha }

  private static let shiftFactor: Float = 0.1

  /// The subnet's second layer, u2 = x2 e^j + t and v = u g + offset, by columns; adds sum j to each log p.
  ///
  /// - Returns: sum ln g.
  func forwardCoupling(_ block: Int, count: Int) -> Double {
    let parts = ColumnParts(shape.x1Count)
    workers.run(parts: parts.count) { part, worker in
      let columns = parts[part]
      // x2 is as long as x1, or one shorter.
      let x2Columns = columns.lowerBound..<max(columns.lowerBound, min(columns.upperBound, shape.x2Count))
      if !x2Columns.isEmpty {
        let kept = activations[block]
        forwardOutputs(
          block, half: 0, columns: x2Columns, factor: scaleFactor, count: count, into: kept.tanh.base, worker: worker)
        forwardOutputs(
          block, half: 1, columns: x2Columns, factor: Self.shiftFactor, count: count, into: kept.coupled.base,
          worker: worker)
        forwardTransform(
          block, columns: x2Columns, count: count, sums: scratch.partialSums.base + part &* groupCapacity)
      } else {
        (scratch.partialSums.base + part &* groupCapacity).update(repeating: 0, count: count)
      }
      scratch.partialLogarithms.base[part] = forwardAffine(block, x1: columns, x2: x2Columns, count: count)
    }
    var logarithms = 0.0
    for part in 0..<parts.count {
      let sums = scratch.partialSums.base + part &* groupCapacity
      for row in 0..<count { scratch.likelihood.base[row] += sums[row] }
      logarithms += scratch.partialLogarithms.base[part]
    }
    return logarithms
  }

  /// Computes d loss / dv, du and dx2 from d loss / dy: back through mixing, global affine and coupling. Threads share the columns.
  /// ``backwardHidden`` later adds the subnet's part of dx1. Leaves the derivatives with respect to the subnet's outputs, b2,
  /// scale and offset in the scratch memory.
  func backwardCoupling(_ block: Int, _ dy: UnsafePointer<Float>, into d: UnsafeMutablePointer<Float>, count: Int) {
    let isLast = block + 1 == activations.count
    let parts = ColumnParts(channels)
    workers.run(parts: parts.count) { part, worker in
      let columns = parts[part]
      if isLast {
        // d log p / dv = -v: the last mixing is left out.
        for row in 0..<count {
          let lossGradient = scratch.likelihood.base[row]
          let v = scratch.affine.base + row &* channels
          let target = d + row &* channels
          for i in columns.lowerBound..<columns.upperBound { target[i] = -lossGradient * v[i] }
        }
      } else {
        mixings[block].backward(
          dy, count: count, channels: channels, columns: columns, into: d, scratch: scratch.products[worker].base)
      }
      let kept = activations[block]
      let x1 = columns.lowerBound..<max(columns.lowerBound, min(columns.upperBound, shape.x1Count))
      let x2 = min(max(columns.lowerBound, shape.x1Count), columns.upperBound)..<columns.upperBound
      backwardAffine(block, columns: x1, of: kept.x.base, stride: channels, d, count: count)
      guard !x2.isEmpty else { return }
      backwardAffine(
        block, columns: x2, of: kept.coupled.base - shape.x1Count, stride: shape.x2Count, d, count: count)
      backwardTransform(block, columns: x2.lowerBound - shape.x1Count..<x2.upperBound - shape.x1Count, d, count: count)
    }
  }

  /// From s to tanh and e^j and from t to u2 = x2 e^j + t, with each row's sum of j. Columns are those of x2.
  private func forwardTransform(_ block: Int, columns: Range<Int>, count: Int, sums: UnsafeMutablePointer<Float>) {
    let kept = activations[block]
    let alpha = description.clampAlpha
    let width = columns.count
    for row in 0..<count {
      let first = row &* shape.x2Count &+ columns.lowerBound
      let tanh = kept.tanh.base + first
      let exponential = kept.exponential.base + first
      let coupled = kept.coupled.base + first
      let x2 = kept.x.base + (row &* channels &+ shape.x1Count &+ columns.lowerBound)
      Kernels.selected.tanh(tanh, count: width)
      for i in 0..<width { exponential[i] = alpha * tanh[i] }
      Kernels.selected.exp(exponential, count: width)
      for i in 0..<width { coupled[i] += x2[i] * exponential[i] }
      sums[row] = alpha * Rows.sum(tanh, count: width) { $0 }
    }
  }

  /// From du2 to dx2, in place, and to the gradients by the subnet's outputs and b2.
  private func backwardTransform(_ block: Int, columns: Range<Int>, _ d: UnsafeMutablePointer<Float>, count: Int) {
    let kept = activations[block]
    let (width, first) = (shape.x2Count, columns.lowerBound)
    let place = shape.x1Count &+ first
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

  /// v = u g + offset, for some columns of x1 and of x2.
  ///
  /// - Returns: sum ln g.
  private func forwardAffine(_ block: Int, x1: Range<Int>, x2: Range<Int>, count: Int) -> Double {
    let kept = activations[block]
    let weights = parameters.base + block &* layout.count
    let gain = kept.gain.base
    let offset = weights + layout.offset
    let n1 = shape.x1Count
    var logarithms = 0.0
    func computeGain(_ i: Int) {
      let g = BlockParameters.scale(weights[layout.scale &+ i])
      gain[i] = Float(g)
      logarithms += log(g)
    }
    for i in x1 { computeGain(i) }
    for i in x2 { computeGain(n1 &+ i) }
    let (first, end, x2End) = (x1.lowerBound, x1.upperBound, x2.upperBound)
    let (xs, us, vs, width) = (kept.x.base, kept.coupled.base, scratch.affine.base, shape.x2Count)
    for row in 0..<count {
      let (x, u, v) = (xs + row &* channels, us + row &* width, vs + row &* channels)
      for i in first..<end { v[i] = x[i] * gain[i] + offset[i] }
      for i in first..<x2End { v[n1 &+ i] = u[i] * gain[n1 &+ i] + offset[n1 &+ i] }
    }
    return logarithms
  }

  /// From dv to du in place, and to the gradients by scale and offset.
  private func backwardAffine(
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
    var lossGradient = 0.0
    for row in 0..<count { lossGradient += Double(scratch.likelihood.base[row]) }
    // g = 0.1 softplus(scale): the derivative is 0.1 sigmoid(scale / 2), and 0.1 above softplus's threshold.
    for i in columns {
      let slope: Float = 0.5 * scale[i] > 20 ? 0.1 : 0.1 / (1 + exp(-0.5 * scale[i]))
      dScale[i] = (dScale[i] + Float(lossGradient) / gain[i]) * slope
    }
  }

  /// The next block's x.
  func forwardMixing(_ block: Int, count: Int) {
    let parts = ColumnParts(channels)
    workers.run(parts: parts.count) { part, worker in
      mixings[block].forward(
        scratch.affine.base, count: count, channels: channels, columns: parts[part],
        into: activations[block + 1].x.base, scratch: scratch.products[worker].base)
    }
  }
}
