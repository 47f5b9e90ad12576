import Basics

/// The original's learning rate: by meta epoch along a cosine or in steps, after a warm-up that is linear in image batches.
package struct LearningRateSchedule: Sendable {
  /// How the rate falls from one meta epoch to the next. The numbers are those of `CFLOWAD_SCHEDULE_` in the C header.
  package enum Kind: Int32, Sendable, CaseIterable {
    case constant = 0
    /// Half a period of a cosine, down to the peak times the third power of the decay rate.
    case cosine = 1
    /// Multiplies by the decay rate at each of the given meta epochs.
    case steps = 2
  }

  private let kind: Kind
  /// The rate at the beginning.
  private let peak: Double
  private let metaEpochs: Int
  private let warmupEpochs: Int
  private let decayRate: Double
  /// The meta epochs that begin with a step.
  private let decayEpochs: [Int]

  package init(_ options: TrainingOptions) {
    kind = options.schedule
    peak = Double(options.learningRate)
    metaEpochs = options.metaEpochs
    warmupEpochs = options.warmupEpochs
    decayRate = Double(options.decayRate)
    decayEpochs = options.decayPercents.map { $0 * options.metaEpochs / 100 }
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
    // The original's warm-up ends at the cosine's first rate behind it, or at the peak for other schedules.
    let end = kind == .cosine ? settled(warmupEpochs) : peak
    return Float(start + share * (end - start))
  }

  /// The rate without warm-up.
  private func settled(_ metaEpoch: Int) -> Double {
    switch kind {
    case .constant:
      return peak
    case .cosine:
      let low = peak * pow(decayRate, 3)
      return low + (peak - low) * (1 + cos(.pi * Double(metaEpoch) / Double(metaEpochs))) / 2
    case .steps:
      return peak * pow(decayRate, Double(decayEpochs.count { metaEpoch >= $0 }))
    }
  }
}
