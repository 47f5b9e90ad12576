/// The time that a fit may take, and the clock that says how much is left of it.
struct TimeBudget {
  private let end: Double
  /// The seconds since some moment.
  let clock: () -> Double

  /// The time begins now.
  init(seconds: Double, clock: @escaping () -> Double) {
    self.clock = clock
    end = clock() + seconds
  }

  /// The seconds that are left; below 0 when the time is over.
  var left: Double { end - clock() }
}
