import Glibc

/// The original's learning rate: cosine by meta epoch, after a warm-up that is linear in image batches.
package struct LearningRateSchedule: Sendable {
  /// The rate that the cosine begins with.
  private let peak: Double
  private let metaEpochs: Int
  private let warmupEpochs: Int
  private let isCosine: Bool

  /// What the cosine ends at, as a share of the peak.
  package static let floor = 1e-3

  package init(_ options: TrainingOptions) {
    peak = Double(options.learningRate)
    metaEpochs = options.metaEpochs
    warmupEpochs = options.warmupEpochs
    isCosine = options.hasCosineSchedule
  }

  /// The rate of a batch.
  ///
  /// - Parameters:
  ///   - metaEpoch: from 0.
  ///   - batch: image batches since the meta epoch began, over its sub-epochs.
  ///   - batches: image batches of a meta epoch: batches of a pass times sub-epochs.
  package func rate(metaEpoch: Int, batch: Int, batches: Int) -> Float {
    guard metaEpoch < warmupEpochs else { return Float(settled(metaEpoch)) }
    let share = (Double(batch) / Double(max(batches, 1)) + Double(metaEpoch)) / Double(warmupEpochs)
    let start = peak / 10
    return Float(start + share * (settled(warmupEpochs) - start))
  }

  /// Without warm-up.
  private func settled(_ metaEpoch: Int) -> Double {
    guard isCosine else { return peak }
    let low = peak * Self.floor
    return low + (peak - low) * (1 + cos(.pi * Double(metaEpoch) / Double(metaEpochs))) / 2
  }
}
