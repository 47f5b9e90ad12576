import Training

/// How far a piece of work is.
struct Progress {
  /// One word for a person: "training".
  let stage: String
  /// Frames, or in a fit frames times passes or coupling steps of all levels.
  var done: Int
  let total: Int
  /// Of a fit alone.
  var fit: Fit?

  struct Fit {
    /// Passes over the frames, or coupling steps for each level, that are finished.
    var epoch: Int
    var epochs: Int
    var loss: Float
    /// Whether they are coupling steps.
    var areSteps = false
  }

  init(_ stage: String, done: Int = 0, total: Int) {
    self.stage = stage
    self.done = done
    self.total = total
  }

  init(_ progress: TrainingProgress, countsSteps: Bool = false) {
    let stage =
      switch progress.stage {
      case .encode: "encoding"
      case .fit: "training"
      case .calibrate: "calibrating"
      }
    self.init(stage, done: progress.done, total: progress.total)
    if progress.stage == .fit {
      fit = Fit(epoch: progress.epoch, epochs: progress.epochs, loss: progress.loss, areSteps: countsSteps)
    }
  }

  var isFinished: Bool { done >= total }
}

/// Since when a stage runs, and how much of it was done before: what a rate is reckoned from.
struct ProgressPace {
  private var stage: String?
  private var lastDone = 0
  private(set) var start: ContinuousClock.Instant
  /// What was done when the stage was first heard of: by an earlier run, if it is one that goes on.
  private(set) var doneBefore = 0

  init(now: ContinuousClock.Instant) { start = now }

  /// Takes a report in; true for the first of a stage. A stage may be met again, by the next training of several.
  mutating func meets(_ progress: Progress, now: ContinuousClock.Instant) -> Bool {
    let isNew = progress.stage != stage || progress.done < lastDone
    if isNew { (stage, start, doneBefore) = (progress.stage, now, progress.done) }
    lastDone = progress.done
    return isNew
  }
}
