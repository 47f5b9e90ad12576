import Glibc
import Kernels
import OpenBLAS

extension FlowTrainer {
  /// Follows the last ``forward(fibers:conditions:count:)`` back, from the last block to the first.
  ///
  /// - Parameter use: called with each block's index when the gradient by its parameters is complete in `gradient`; may
  ///   change that block's parameters.
  func backward(conditions: UnsafePointer<Float>?, count: Int, use: (_ block: Int) -> Void) {
    let rates = scratch.likelihood.base
    for block in activations.indices.reversed() {
      let dv = scratch.inner.base
      if block + 1 == activations.count {
        // d log p / dv = -v: the last mixing is left out.
        for row in 0..<count {
          let first = row &* channels
          for i in first..<(first &+ channels) { dv[i] = -rates[row] * scratch.affine.base[i] }
        }
      } else {
        mixings[block].pullBack(scratch.outer.base, count: count, channels: channels, into: dv)
      }
      pullBackAffine(block, count: count)
      pullBackCoupling(block, count: count)
      pullBackSubnet(block, conditions: conditions, count: count)
      use(block)
    }
  }

  /// From dv to du in place; the gradients of scale and offset.
  private func pullBackAffine(_ block: Int, count: Int) {
    let kept = activations[block]
    let gain = kept.gain.base
    let scale = parameters.base + (block &* layout.count &+ layout.scale)
    let dScale = gradient.base + layout.scale
    let dOffset = gradient.base + layout.offset
    let passive = layout.passive
    dScale.update(repeating: 0, count: channels)
    dOffset.update(repeating: 0, count: channels)
    var rates = 0.0
    for row in 0..<count {
      let x = kept.x.base + row &* channels
      let coupled = kept.coupled.base + row &* layout.active
      let d = scratch.inner.base + row &* channels
      for i in 0..<passive { dScale[i] += d[i] * x[i] }
      for i in 0..<layout.active { dScale[passive &+ i] += d[passive &+ i] * coupled[i] }
      for i in 0..<channels {
        dOffset[i] += d[i]
        d[i] *= gain[i]
      }
      rates += Double(scratch.likelihood.base[row])
    }
    // g = 0.1 softplus(scale): the derivative is 0.1 sigmoid(scale / 2), and 0.1 above softplus's threshold.
    for i in 0..<channels {
      let slope: Float = 0.5 * scale[i] > 20 ? 0.1 : 0.1 / (1 + exp(-0.5 * scale[i]))
      dScale[i] = (dScale[i] + Float(rates) / gain[i]) * slope
    }
  }

  /// From du2 to dx2, in place, and to the gradients by the subnet's outputs.
  private func pullBackCoupling(_ block: Int, count: Int) {
    let kept = activations[block]
    let slope = description.clampAlpha * scaleFactor
    for row in 0..<count {
      let x2 = kept.x.base + (row &* channels &+ layout.passive)
      let d = scratch.inner.base + (row &* channels &+ layout.passive)
      let first = row &* layout.active
      let tanh = kept.tanh.base + first
      let exponential = kept.exponential.base + first
      let dScale = scratch.scale.base + first
      let dShift = scratch.shift.base + first
      let rate = scratch.likelihood.base[row]
      for i in 0..<layout.active {
        let through = d[i] * exponential[i]
        dShift[i] = Self.shiftFactor * d[i]
        dScale[i] = (through * x2[i] + rate) * (1 - tanh[i] * tanh[i]) * slope
        d[i] = through
      }
    }
  }

  /// The gradients of both layers, and dx in `scratch.outer`: the next block's dy.
  private func pullBackSubnet(_ block: Int, conditions: UnsafePointer<Float>?, count: Int) {
    let kept = activations[block]
    let weights = parameters.base + block &* layout.count
    let width = layout.active
    let hiddenWidth = layout.hidden
    let dHidden = scratch.hidden.base

    for part in 0...1 {
      let d = part == 0 ? scratch.scale.base : scratch.shift.base
      let second = layout.weight2 + part * width * hiddenWidth
      addUp(d, width: width, count: count, into: gradient.base + (layout.bias2 + part * width))
      BLAS.multiply(
        d, rowStride: width, transposed: true, by: kept.hidden.base, rowStride: hiddenWidth, transposed: false,
        into: gradient.base + second, rowStride: hiddenWidth, rows: width, columns: hiddenWidth, depth: count)
      BLAS.multiply(
        d, rowStride: width, transposed: false, by: weights + second, rowStride: hiddenWidth, transposed: false,
        into: dHidden, rowStride: hiddenWidth, rows: count, columns: hiddenWidth, depth: width,
        beta: part == 0 ? 0 : 1)
    }
    for i in 0..<(count &* hiddenWidth) { dHidden[i] = kept.hidden.base[i] > 0 ? dHidden[i] : 0 }

    addUp(dHidden, width: hiddenWidth, count: count, into: gradient.base + layout.bias1)
    BLAS.multiply(
      dHidden, rowStride: hiddenWidth, transposed: true, by: kept.x.base, rowStride: channels, transposed: false,
      into: gradient.base + layout.weight1, rowStride: layout.inputs, rows: hiddenWidth, columns: layout.passive,
      depth: count)
    if let conditions {
      BLAS.multiply(
        dHidden, rowStride: hiddenWidth, transposed: true, by: conditions, rowStride: layout.conditions,
        transposed: false, into: gradient.base + (layout.weight1 + layout.passive), rowStride: layout.inputs,
        rows: hiddenWidth, columns: layout.conditions, depth: count)
    }
    // Nobody asks for the gradient by the features.
    guard block > 0 else { return }
    let dx = scratch.outer.base
    dx.update(from: scratch.inner.base, count: count &* channels)
    BLAS.multiply(
      dHidden, rowStride: hiddenWidth, transposed: false, by: weights + layout.weight1, rowStride: layout.inputs,
      transposed: false, into: dx, rowStride: channels, rows: count, columns: layout.passive, depth: hiddenWidth,
      beta: 1)
  }
}

/// The sum of `count` rows.
private func addUp(
  _ rows: UnsafePointer<Float>, width: Int, count: Int, into sum: UnsafeMutablePointer<Float>
) {
  sum.update(repeating: 0, count: width)
  for row in 0..<count {
    let values = rows + row &* width
    for i in 0..<width { sum[i] += values[i] }
  }
}
