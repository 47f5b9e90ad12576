import Basics
import Glibc
import Kernels

/// A group of detectors that one thread at a time may use, and whose detectors can be exchanged meanwhile: a call that
/// runs ends with the detectors that it began with, the next one begins with the new ones.
package final class ScoringSession: Sendable {
  private struct State: Sendable {
    var group: DetectorGroup
    var isRunning = false
    /// Takes over when the call that runs has ended.
    var next: DetectorGroup?
    /// What the call that runs began with and is of no more use: to be freed by whoever put `next` there.
    var retired: [DetectorGroup] = []
  }

  private let state: Locked<State>
  /// What a detector's scores are judged by, e.g. with the caller's thresholds.
  private let judge: @Sendable (Detector) -> Judge
  /// One exchange at a time.
  private let exchanging = Locked(())

  package init(
    _ detectors: [Detector], workers: Workers, judge: @escaping @Sendable (Detector) -> Judge
  ) throws(Failure) {
    self.judge = judge
    let group = try DetectorGroup(detectors.map { ($0, judge($0)) }, workers: workers)
    state = Locked(State(group: group))
  }

  /// Runs a call. Fails with `.busy` when another one runs.
  package func use(_ body: (DetectorGroup) throws(Failure) -> Void) throws(Failure) {
    let group = state.withLock { state -> DetectorGroup? in
      guard !state.isRunning else { return nil }
      state.isRunning = true
      return state.group
    }
    guard let group else { throw Failure(.busy, "the session is in use by another call") }
    defer {
      state.withLock { state in
        state.isRunning = false
        if let next = state.next.take() {
          state.retired.append(state.group)
          state.group = next
        }
      }
    }
    try body(group)
  }

  /// Puts another detector in the place of the `index`-th. All preparation happens on this thread while calls run; those
  /// that begin after it use the new one. Frees the old one here, as soon as the call that uses it has ended.
  package func replace(_ index: Int, with detector: Detector) throws(Failure) {
    let failure = exchanging.withLock { _ -> Failure? in
      let latest = state.withLock { $0.next ?? $0.group }
      guard latest.members.indices.contains(index) else {
        return Failure(.invalidArgument, "there is no model \(index) in a session of \(latest.members.count)")
      }
      let new: DetectorGroup
      do throws(Failure) { new = try latest.replacing(index, with: detector, judge(detector)) } catch { return error }
      publish(new)
      return nil
    }
    if let failure { throw failure }
  }

  private func publish(_ new: DetectorGroup) {
    var retired = state.withLock { state -> [DetectorGroup] in
      if state.isRunning {
        state.next = new
        return []
      }
      defer { state.group = new }
      return [state.group]
    }
    // A call that runs keeps the old group until it ends, a frame's time; one that takes longer leaves it to the next
    // exchange or to the session's end.
    for _ in 0..<1000 where retired.isEmpty {
      usleep(1000)
      retired = state.withLock { state in
        defer { state.retired.removeAll() }
        return state.retired
      }
    }
  }
}
