import Flows
import Glibc
import Kernels
import OpenBLAS

extension FlowTrainer {
  /// How the subnet's outputs become what tanh is taken of: 0.1, and 1 / alpha for the scaled clamp.
  var scaleFactor: Float { description.clamp == .tanh ? 0.1 : 0.1 / description.clampAlpha }

  static let shiftFactor: Float = 0.1

  /// Runs the group through the blocks, keeps the activations, and leaves the loss's gradient by each log p in
  /// `scratch.likelihood`.
  ///
  /// - Returns: the mean loss.
  func forward(fibers: UnsafePointer<Float>, conditions: UnsafePointer<Float>?, count: Int) -> Float {
    scratch.likelihood.base.update(repeating: 0, count: count)
    activations.first?.x.base.update(from: fibers, count: count &* channels)
    var constant = -0.9189385332046727 * Double(channels)
    for block in activations.indices {
      couple(block, conditions: conditions, count: count)
      constant += scaleAndShift(block, count: count)
      if block + 1 < activations.count {
        mixings[block].apply(
          scratch.affine.base, count: count, channels: channels, into: activations[block + 1].x.base)
      }
    }
    return loss(constant: constant, count: count)
  }

  /// The subnet, and u2 = x2 e^j + t; adds sum j to each log p.
  private func couple(_ block: Int, conditions: UnsafePointer<Float>?, count: Int) {
    let kept = activations[block]
    let weights = parameters.base + block &* layout.count
    let hidden = kept.hidden.base

    // W1 [x1, c] in two products, so that nothing is put together in memory.
    fill(hidden, with: weights + layout.bias1, times: 1, width: layout.hidden, count: count)
    BLAS.multiply(
      kept.x.base, rowStride: channels, transposed: false, by: weights + layout.weight1, rowStride: layout.inputs,
      transposed: true, into: hidden, rowStride: layout.hidden, rows: count, columns: layout.hidden,
      depth: layout.passive, beta: 1)
    if let conditions {
      BLAS.multiply(
        conditions, rowStride: layout.conditions, transposed: false,
        by: weights + (layout.weight1 + layout.passive), rowStride: layout.inputs, transposed: true, into: hidden,
        rowStride: layout.hidden, rows: count, columns: layout.hidden, depth: layout.conditions, beta: 1)
    }
    // Not max(0, x), which would hide a NaN.
    for i in 0..<(count &* layout.hidden) { hidden[i] = hidden[i] < 0 ? 0 : hidden[i] }

    subnetOutput(weights, part: 0, factor: scaleFactor, hidden: hidden, count: count, into: kept.tanh.base)
    subnetOutput(weights, part: 1, factor: Self.shiftFactor, hidden: hidden, count: count, into: kept.coupled.base)

    let size = count &* layout.active
    let tanh = kept.tanh.base
    let exponential = kept.exponential.base
    let coupled = kept.coupled.base
    let alpha = description.clampAlpha
    VectorMath.tanh(tanh, count: size)
    for i in 0..<size { exponential[i] = alpha * tanh[i] }
    VectorMath.exp(exponential, count: size)
    for row in 0..<count {
      let x2 = kept.x.base + (row &* channels &+ layout.passive)
      let first = row &* layout.active
      for i in 0..<layout.active { coupled[first &+ i] += x2[i] * exponential[first &+ i] }
      scratch.likelihood.base[row] += alpha * sum(tanh + first, count: layout.active)
    }
  }

  /// factor (W2 hidden + b2), of W2 the half of s (part 0) or of t (part 1).
  private func subnetOutput(
    _ weights: UnsafePointer<Float>, part: Int, factor: Float, hidden: UnsafePointer<Float>, count: Int,
    into output: UnsafeMutablePointer<Float>
  ) {
    let width = layout.active
    fill(output, with: weights + (layout.bias2 + part * width), times: factor, width: width, count: count)
    BLAS.multiply(
      hidden, rowStride: layout.hidden, transposed: false,
      by: weights + (layout.weight2 + part * width * layout.hidden), rowStride: layout.hidden, transposed: true,
      into: output, rowStride: width, rows: count, columns: width, depth: layout.hidden, alpha: factor, beta: 1)
  }

  /// v = u g + offset.
  ///
  /// - Returns: sum ln g.
  private func scaleAndShift(_ block: Int, count: Int) -> Double {
    let kept = activations[block]
    let weights = parameters.base + block &* layout.count
    let gain = kept.gain.base
    let offset = weights + layout.offset
    var logarithms = 0.0
    for i in 0..<channels {
      let g = BlockParameters.scale(weights[layout.scale &+ i])
      gain[i] = Float(g)
      logarithms += log(g)
    }
    let passive = layout.passive
    for row in 0..<count {
      let x = kept.x.base + row &* channels
      let coupled = kept.coupled.base + row &* layout.active
      let v = scratch.affine.base + row &* channels
      for i in 0..<passive { v[i] = x[i] * gain[i] + offset[i] }
      for i in 0..<layout.active { v[passive &+ i] = coupled[i] * gain[passive &+ i] + offset[passive &+ i] }
    }
    return logarithms
  }

  /// The loss, with |z| of the last block's v; see ``forward(fibers:conditions:count:)``.
  private func loss(constant: Double, count: Int) -> Float {
    var total = 0.0
    let size = Double(channels)
    for row in 0..<count {
      let square = sumOfSquares(scratch.affine.base + row &* channels, count: channels)
      let logLikelihood = constant + Double(scratch.likelihood.base[row]) - 0.5 * Double(square)
      let value = logLikelihood / size
      // -ln sigmoid(v) = ln(1 + e^-v), without overflow.
      let decay = exp(-abs(value))
      total += max(-value, 0) + log1p(decay)
      // Its derivative -sigmoid(-v), and v = log p / C of a mean over the group.
      let derivative = value > 0 ? -decay / (1 + decay) : -1 / (1 + decay)
      scratch.likelihood.base[row] = Float(derivative / (size * Double(count)))
    }
    return Float(total / Double(count))
  }
}

/// Makes `count` rows of the same `width` values.
private func fill(
  _ rows: UnsafeMutablePointer<Float>, with values: UnsafePointer<Float>, times factor: Float, width: Int, count: Int
) {
  for row in 0..<count {
    let target = rows + row &* width
    for i in 0..<width { target[i] = factor * values[i] }
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
