import Basics
import Flows

/// The first coupling blocks of a flow that starts at a closed form. Their couplings change nothing. They only bring
/// fibers to the symmetric coordinates, S^-1/2 (x - m), in which the blocks behind them are trained.
///
/// Behind a ``GaussianLayer`` one block's mixing matrix, U', does that. Whitened flows have no such layer and are
/// FrEIA's own parameters: block 0 has the offset -m and the mixing matrix U, block 1 the gains diag(s) and the mixing
/// matrix U'. A gain is g = 0.1 softplus(global_scale), which takes any value above 0.
struct LeadingBlocks {
  private let channels: Int
  /// All K blocks.
  private let flow: FlowDescription
  private let names: [String]

  /// How many leading blocks there are: two in a whitened flow, else one.
  let count: Int

  /// - Parameter flow: flows behind a Gaussian, or whitened ones.
  init(channels: Int, flow: FlowDescription) throws(Failure) {
    (self.channels, self.flow) = (channels, flow)
    names = try BlockLayout(channels: channels, conditions: flow.conditionChannels).entries.map(\.name) + ["w_perm"]
    count = Self.count(flow)
  }

  static func count(_ flow: FlowDescription) -> Int { flow.start == .gaussian ? 1 : 2 }

  /// The blocks behind, as a flow of their own.
  func following(_ weights: StateDictionary) -> StateDictionary {
    var following = StateDictionary()
    for block in count..<flow.blockCount {
      for name in names { following[BlockLayout.key(block - count, name)] = weights[BlockLayout.key(block, name)] }
    }
    return following
  }

  /// The weights of the whole flow, without those of a Gaussian's own layer.
  ///
  /// - Parameters:
  ///   - gaussian: the Gaussian; for a whitened flow one with a single mean and rank 0, whose U is a rotation.
  ///   - identity: the weights of K blocks that change nothing.
  ///   - following: the weights of the blocks behind; nil for those of `identity`.
  func weights(
    _ gaussian: GaussianParameters, identity: StateDictionary, following: StateDictionary?
  ) throws(Failure) -> StateDictionary {
    var weights = identity
    if let following {
      for block in count..<flow.blockCount {
        for name in names { weights[BlockLayout.key(block, name)] = following[BlockLayout.key(block - count, name)] }
      }
    }
    var inverse = [Float](repeating: 0, count: channels * channels)
    for row in 0..<channels {
      for i in 0..<channels { inverse[i * channels + row] = gaussian.basis.base[row * channels + i] }
    }
    weights[BlockLayout.key(count - 1, "w_perm")] = try Tensor(shape: [channels, channels], values: inverse)
    guard flow.start == .none else { return weights }
    // The identity's gains are as close to 1 as float32 allows.
    let gains = try weights.values(BlockLayout.key(0, "global_scale"), shape: [1, channels]).map(BlockParameters.scale)
    weights[BlockLayout.key(0, "global_offset")] = try Tensor(
      shape: [1, channels], values: zip(gaussian.mean.values, gains).map { Float(-Double($0) * $1) })
    weights[BlockLayout.key(0, "w_perm")] = try Tensor(
      shape: [channels, channels], values: Array(gaussian.basis.values))
    weights[BlockLayout.key(1, "global_scale")] = try Tensor(
      shape: [1, channels], values: gaussian.scale.map { Float(Self.globalScale(gain: Double($0))) })
    return weights
  }

  /// The inverse of g = 0.1 softplus(global_scale) with beta 0.5: 2 ln(e^(5 g) - 1).
  static func globalScale(gain: Double) -> Double {
    let x = 5 * gain
    return 2 * (x > 20 ? x + log1p(-exp(-x)) : log(expm1(x)))
  }
}
