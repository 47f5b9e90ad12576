import ArgumentParser
import Basics
import Scoring

/// The options of `cflowad score` that watch the line.
struct WatchArguments: ParsableArguments {
  @Flag(
    help: ArgumentHelp(
      "Watch whether the frames are still those of the calibration, or the line has changed; needs frames in the order in which "
        + "they were taken, mostly of good parts."))
  var watch = false

  @Option(
    help: ArgumentHelp(
      "With --watch: file to go on from, if it is there, and to keep what was seen in for the next run.",
      valueName: "file"))
  var watchState: String?

  @Option(
    help: ArgumentHelp(
      "With --watch: probability of ever telling a change where there is none, 1e-9 to 0.5. (default: 0.01, or that of the "
        + "file)", valueName: "share"))
  var falseAlarmRate: Double?

  func validate() throws {
    if !watch, watchState != nil || falseAlarmRate != nil {
      throw ValidationError("--watch-state and --false-alarm-rate need --watch")
    }
    if let falseAlarmRate, !LineWatch.falseAlarmRates.contains(falseAlarmRate) {
      throw ValidationError("a false-alarm rate of \(falseAlarmRate) is not within \(LineWatch.falseAlarmRates)")
    }
  }

  /// Nil when nothing is watched. Where there is a file that does not fit, this fails, before any frame is scored.
  func begin(_ detector: Detector) throws(Failure) -> LineWatch? {
    guard watch else { return nil }
    let watch = try LineWatch(detector.calibration, falseAlarmRate: falseAlarmRate ?? 0.01, seed: 0)
    guard let watchState else { return watch }
    try AtomicFile.checkPath(watchState)
    guard access(watchState.pathBytes, F_OK) == 0 else { return watch }
    let bytes = try RegularFile(path: watchState).read()
    let result = bytes.withUnsafeBytes { bytes in Result { () throws(Failure) in try watch.restore(bytes) } }
    do throws(Failure) { try result.get() } catch { throw error.within(watchState) }
    if let falseAlarmRate, falseAlarmRate != watch.summary.falseAlarmRate {
      throw Failure(
        .invalidArgument, "\(watchState): it was begun with a false-alarm rate of \(watch.summary.falseAlarmRate)")
    }
    return watch
  }

  /// Tells what was found, and keeps it.
  func end(_ watch: LineWatch) throws(Failure) {
    Output.note(watch.summary.text)
    guard let watchState else { return }
    let bytes = try Buffer<UInt8>(count: watch.byteCount)
    try watch.export(to: UnsafeMutableRawBufferPointer(start: bytes.base, count: bytes.count))
    try AtomicFile.write(UnsafeRawBufferPointer(start: bytes.base, count: bytes.count), to: watchState)
  }
}
