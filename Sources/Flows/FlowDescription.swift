import Basics

/// Settings that all flows of a detector share.
package struct FlowDescription: Sendable, Equatable {
  /// How a block mixes channels after its coupling: FrEIA's `permute_soft`.
  package enum Permutation: String, Sendable, CaseIterable {
    /// A fixed rotation from SO(C).
    case soft
    /// A fixed permutation of indices.
    case hard
  }

  /// The soft clamp of the log-scale s.
  package enum Clamp: String, Sendable, CaseIterable {
    /// alpha * tanh(s): FrEIA until August 2023, anomalib.
    case tanh = "alpha*tanh(s)"
    /// alpha * tanh(s / alpha): FrEIA since.
    case scaledTanh = "alpha*tanh(s/alpha)"
  }

  /// What a fiber goes through before the first coupling block.
  package enum Start: String, Sendable, CaseIterable {
    /// Nothing: the published flow.
    case none
    /// A ``GaussianLayer``, which makes the fibers of good frames white.
    case gaussian
  }

  package private(set) var start = Start.none
  /// K; it may be 0 only when the start is a density by itself.
  package private(set) var blockCount = 8
  /// P, the length of the positional encoding; 0 for an unconditional flow (`freia-flow`).
  package private(set) var conditionChannels = 128
  package private(set) var permutation = Permutation.soft
  package private(set) var clamp = Clamp.tanh
  /// alpha.
  package private(set) var clampAlpha: Float = 1.9

  /// The flows of the published system.
  package init() {}

  /// Fails with `.invalidArgument` for a number out of range.
  package init(
    start: Start = .none, blockCount: Int = Self().blockCount, conditionChannels: Int = Self().conditionChannels,
    permutation: Permutation = .soft, clamp: Clamp = .tanh, clampAlpha: Float = Self().clampAlpha
  ) throws(Failure) {
    let blockRange = (start == .none ? 1 : 0)...64
    guard blockRange.contains(blockCount) else {
      throw Failure(.invalidArgument, "\(blockCount) coupling blocks are not within \(blockRange)")
    }
    guard (0...1024).contains(conditionChannels), conditionChannels % 4 == 0 else {
      throw Failure(.invalidArgument, "\(conditionChannels) condition channels are not a multiple of 4 up to 1024")
    }
    guard clampAlpha >= 0.1, clampAlpha <= 10 else {
      throw Failure(.invalidArgument, "the clamp's alpha \(clampAlpha) is not within 0.1...10")
    }
    (self.start, self.blockCount, self.conditionChannels) = (start, blockCount, conditionChannels)
    (self.permutation, self.clamp, self.clampAlpha) = (permutation, clamp, clampAlpha)
  }

  /// The same with another number of blocks, and perhaps another start.
  package func with(start: Start? = nil, blockCount: Int) throws(Failure) -> FlowDescription {
    try FlowDescription(
      start: start ?? self.start, blockCount: blockCount, conditionChannels: conditionChannels,
      permutation: permutation,
      clamp: clamp, clampAlpha: clampAlpha)
  }
}
