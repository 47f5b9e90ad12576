import Basics

extension FlowTrainer {
  /// Runs the group through the blocks, keeps the activations, and leaves d loss / d log p of each fiber in
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
      forwardHidden(block, group)
      constant += forwardCoupling(block, count: group.count)
      if block + 1 < activations.count { forwardMixing(block, count: group.count) }
    }
    return loss(constant: constant, count: group.count)
  }

  /// Computes the loss. |z| is the length of the last block's v, because the last rotation does not change lengths.
  private func loss(constant: Double, count: Int) -> Float {
    var total = 0.0
    var likelihoods = 0.0
    let size = Double(channels)
    for row in 0..<count {
      let square = Rows.sum(scratch.affine.base + row &* channels, count: channels) { $0 * $0 }
      let logLikelihood = constant + Double(scratch.likelihood.base[row]) - 0.5 * Double(square)
      let value = logLikelihood / size
      likelihoods += value
      // -ln sigmoid(v) = ln(1 + e^-v), without overflow.
      let decay = exp(-abs(value))
      total += max(-value, 0) + log1p(decay)
      // The derivative by v is -sigmoid(-v). v = log p / C, and the loss is a mean over the group: hence the two divisions.
      let derivative = value > 0 ? -decay / (1 + decay) : -1 / (1 + decay)
      scratch.likelihood.base[row] = Float(derivative / (size * Double(count)))
    }
    meanLogLikelihood = likelihoods / Double(count)
    return Float(total / Double(count))
  }

  /// Receives a piece of the gradient: the index of its first number among all trainable ones, the values, and their
  /// count. It may change the same parameters. All threads call it in parallel, once for each number.
  typealias GradientUse = (_ first: Int, _ gradient: UnsafePointer<Float>, _ count: Int) -> Void

  /// Computes the gradients of the last ``forward(_:)``, from the last block to the first.
  func backward(_ group: Group, use: GradientUse) {
    if let conditions = group.conditions { packTables(conditions) }
    for block in activations.indices.reversed() {
      // d loss / dy, which the following block left, and the memory for d loss / dx.
      let dy = scratch.gradients[(block + 1) % 2].base
      let dx = scratch.gradients[block % 2].base
      backwardCoupling(block, dy, into: dx, count: group.count)
      backwardOutputs(block, group)
      backwardHidden(block, into: dx, count: group.count)
      // This comes last, since it may change weights that the other steps read.
      useWeightGradients(block, group, use)
    }
  }
}
