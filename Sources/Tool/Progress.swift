import Training

/// The progress of a piece of work.
struct Progress {
  /// One word for a person: "training".
  let stage: String
  /// Frames done; in a fit frames times passes, or coupling steps of all levels.
  var done: Int
  let total: Int
  /// For a fit only.
  var fit: Fit?

  struct Fit {
    /// How many passes over the frames, or coupling steps for each level, are finished.
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

/// When a stage began, and how much of it was done by then, to compute its rate from.
struct ProgressPace {
  private var stage: String?
  private var lastDone = 0
  private(set) var start: ContinuousClock.Instant
  /// How much was done at the stage's first report, as by an earlier run that was resumed.
  private(set) var doneBefore = 0

  init(now: ContinuousClock.Instant) { start = now }

  /// Takes a report; returns true for the first one of a stage. A stage may begin again, in the next of several trainings.
  mutating func meets(_ progress: Progress, now: ContinuousClock.Instant) -> Bool {
    let isNew = progress.stage != stage || progress.done < lastDone
    if isNew { (stage, start, doneBefore) = (progress.stage, now, progress.done) }
    lastDone = progress.done
    return isNew
  }
}
