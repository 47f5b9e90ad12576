/// The time that a fit may take, and the clock that says how much is left of it.
struct TimeBudget {
  private let end: Double
  /// Seconds since some moment.
  let clock: () -> Double

  /// Begins now.
  init(seconds: Double, clock: @escaping () -> Double) {
    self.clock = clock
    end = clock() + seconds
  }

  /// Seconds; below 0 when it is over.
  var left: Double { end - clock() }
}
