import ArgumentParser
import Basics
import ImageFiles
import Imaging
import ModelFile
import Scoring

struct ScoreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "score",
    abstract: "Score frames, tell good from defective ones, and draw where.",
    discussion: """
      Frames are scored in the order of their paths. A frame is rejected when its score is above the threshold: the \
      detector's own, or that of --threshold. A rejected frame is no failure; one that cannot be read or scored is \
      reported and makes the exit status 1, and the others are scored all the same.

      The JSON format is one object a line: file, score, threshold, verdict ("pass" or "reject") and milliseconds, the \
      time of scoring without reading the file.

      Examples:

        cflowad score detector.h5 unseen/
        cflowad score detector.h5 a.png b.png --format json --threshold 1.25
        cflowad score detector.h5 unseen/ --maps heat/ --overlay
      """)

  enum Format: String, ExpressibleByArgument, CaseIterable { case table, json }

  @Argument(help: ArgumentHelp("Model file with a calibrated detector.", valueName: "detector.h5"))
  var model: String

  @Argument(help: ArgumentHelp("Images, folders of them, or a data set, of which the test images are taken.", valueName: "frames"))
  var frames: [String]

  @OptionGroup var choice: ClassChoice

  @OptionGroup var threads: ThreadCount

  @Option(help: "How results are printed: a table for people, or JSON lines for programs.")
  var format = Format.table

  @Option(
    help: ArgumentHelp(
      "Score above which a frame is rejected, any number. (default: the detector's)",
      valueName: "score"))
  var threshold: Float?

  @Option(
    help: ArgumentHelp(
      "Folder for heat maps, PNG files of the frames' sizes, in the colours inferno from "
        + "0 (black) to the number of levels (pale yellow). It is made when there is none.", valueName: "folder"))
  var maps: String?

  @Flag(help: "With --maps: draw the heat over the frame, with a line around what is above the threshold.")
  var overlay = false

  func validate() throws {
    if overlay, maps == nil { throw ValidationError("--overlay needs --maps") }
    if let threshold, !threshold.isFinite { throw ValidationError("the threshold \(threshold) is not finite") }
  }

  func run() throws {
    Interrupt.listen()
    let detector: Detector
    let contents = try ModelFile.read(path: model)
    do throws(Failure) { detector = try Detector(contents) } catch { throw error.within(model) }
    guard detector.calibration != nil else {
      throw Failure(.notCalibrated, "\(model): it is not calibrated and gives no scores; see cflowad calibrate")
    }
    let session = try DetectorSession(detector, threshold: threshold, threadCount: threads.count)
    let files = FrameList(frames, of: .test, className: choice.name)
    let maps = try maps.map { folder throws(Failure) in
      try HeatMapFolder(folder, frames: files.paths, session: session, isOverlay: overlay)
    }
    for failure in files.failures { Output.note(failure.message) }

    let table = Table(widths: [files.paths.reduce(4) { max($0, $1.count) }, 9])
    if format == .table, !files.paths.isEmpty { try Output.line(table.row("FILE", "SCORE", "VERDICT")) }
    var (failureCount, rejectCount) = (files.failures.count, 0)
    for path in files.paths {
      if Interrupt.isPending { throw Failure(.cancelled, "cancelled") }
      let result: ScoredFrame
      do throws(Failure) {
        result = try score(path, session, maps)
      } catch {
        Output.note(error.message)
        failureCount += 1
        continue
      }
      if result.verdict == .reject { rejectCount += 1 }
      switch format {
      case .table:
        try Output.line(table.row(path, String(Double(result.score), decimals: 6), result.verdict.rawValue))
      case .json: try Output.line(json(result))
      }
    }
    if format == .table {
      Output.note(
        "\(String(files.paths.count + files.failures.count - failureCount, of: "frame")) scored, \(rejectCount) above the "
          + "threshold \(String(Double(session.threshold), decimals: 6))")
    }
    if failureCount > 0 { throw ExitCode.failure }
  }

  private func score(
    _ path: String, _ session: DetectorSession, _ maps: HeatMapFolder?
  ) throws(Failure) -> ScoredFrame {
    let image = try ImageFile.read(path: path)
    return try image.withFrame { frame throws(Failure) in
      let clock = ContinuousClock()
      let start = clock.now
      let score: Float
      do throws(Failure) {
        try session.computeLikelihoods(frame)
        score = try session.computeScore()
      } catch {
        throw error.within(path)
      }
      let milliseconds = 1000 * (clock.now - start).seconds
      try maps?.write(path, frame)
      return ScoredFrame(
        file: path, score: score, threshold: session.threshold,
        verdict: score > session.threshold ? .reject : .pass, milliseconds: milliseconds)
    }
  }
}

/// A line of JSON.
struct ScoredFrame: Codable {
  enum Verdict: String, Codable { case pass, reject }

  var file: String
  var score: Float
  var threshold: Float
  var verdict: Verdict
  var milliseconds: Double
}
