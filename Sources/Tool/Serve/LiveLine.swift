import Basics
import Scoring

/// The last frames of a line and the thresholds that its detector has now, for the threads that score and that answer.
final class LiveLine: Sendable {
  /// What a page is made from.
  struct Snapshot: Sendable {
    /// The number of all frames so far; the last of ``frames`` has it.
    var count = 0
    /// The last ones, oldest first.
    var frames: [LiveFrame] = []
    var calibration: Calibration
    /// The detector's identity with this calibration.
    var identity: String?
    /// Why no frames come; nil when all is well.
    var trouble: String?
    /// Grows with every change.
    var revision = 0

    /// The last frames with their numbers, newest first.
    var numbered: [(number: Int, frame: LiveFrame)] {
      zip((count - frames.count + 1)..., frames).map { ($0, $1) }.reversed()
    }
  }

  private let limit: Int
  private let state: Locked<Snapshot>

  init(limit: Int, calibration: Calibration, identity: String?) {
    self.limit = limit
    state = Locked(Snapshot(calibration: calibration, identity: identity))
  }

  var snapshot: Snapshot { state.withLock { $0 } }
  var count: Int { state.withLock { $0.count } }

  /// Adds a frame, and forgets the oldest where there are too many.
  func add(_ frame: LiveFrame) {
    state.withLock { state in
      state.frames.append(frame)
      if state.frames.count > limit { state.frames.removeFirst() }
      state.count += 1
      state.revision += 1
    }
  }

  func setTrouble(_ trouble: String?) {
    state.withLock { state in
      guard state.trouble != trouble else { return }
      state.trouble = trouble
      state.revision += 1
    }
  }

  /// The detector has another calibration from now on.
  func setCalibration(_ calibration: Calibration, identity: String?) {
    state.withLock { state in
      (state.calibration, state.identity) = (calibration, identity)
      state.revision += 1
    }
  }
}
