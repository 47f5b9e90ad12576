import ArgumentParser
import Basics
import ImageFiles
import Imaging
import ModelFile
import Scoring
import Segmentation

struct ScoreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "score",
    abstract: "Score frames, tell good from defective ones, and draw where.",
    discussion: """
      Frames are scored in the order of their paths. A frame is rejected when its score is above the threshold: the \
      detector's own, or that of --threshold. A rejected frame is no failure; one that cannot be read or scored is \
      reported and makes the exit status 1, and the others are scored all the same.

      The p-value is the share of good frames that score as high, by the frames the detector was calibrated with: a \
      good frame has one of at most 0.01 once in a hundred times. A detector with a review threshold, or the one of \
      --review-threshold, tells of frames to look at between passed and rejected ones. A frame that scores lower than \
      nearly every good one is strange too: below the detector's low threshold it is not passed either, and its low \
      p-value, the share of good frames that score as low, is shown in place of the other. Nor is one passed that is \
      strange all over, with a map whose mean is above the detector's threshold of means, as a black frame's.

      The JSON format is one object a line: file, score, p_value (unless the file of the detector holds none of its \
      frames' scores), low_p_value, threshold, review_threshold, low_threshold (if it has one), map_mean, \
      mean_threshold (if it has one), verdict ("pass", "review" or "reject") and milliseconds, the time of \
      scoring without reading the file. --regions adds regions: the count of all, and the list of the most severe, each \
      with its bounding box (x, y, width, height), area, centroid, peak, peak_pixel, mean and p_value, in pixels, and \
      with --contours its contour; --watch adds evidence, how much speaks for a change of the line after this frame.

      The CSV format is a line of column names, then a line for each frame: file, score, p_value, threshold, \
      review_threshold, verdict, milliseconds, region_count, the number of regions that count, low_p_value, \
      low_threshold, map_mean and mean_threshold. With --regions a frame has a line for each region listed, at least one, \
      which repeats these columns; the region's own follow.

      --log appends a record of every frame to a file, one JSON object a line: what the JSON format has, and time (UTC), \
      model (the detector's identity), model_name (if it has one) and library (its version and the build of its kernels); \
      of a frame that could not be scored file, error, and these. Several processes may append to one file.

      Examples:

        cflowad score detector.h5 unseen/
        cflowad score detector.h5 a.png b.png --format json --threshold 1.25
        cflowad score detector.h5 unseen/ --format csv > scores.csv
        cflowad score detector.h5 unseen/ --maps heat/ --overlay
        cflowad score detector.h5 today/ --watch --watch-state line3.watch
        cflowad score detector.h5 /camera/today --log /var/log/line3.jsonl > /dev/null
      """)

  enum Format: String, ExpressibleByArgument, CaseIterable { case table, json, csv }

  @Argument(help: ArgumentHelp("Model file with a calibrated detector.", valueName: "detector.h5"))
  var model: String

  @Argument(
    help: ArgumentHelp(
      "Images, folders of them, or a data set, of which the test images are taken.", valueName: "frames"))
  var frames: [String]

  @OptionGroup var choice: ClassChoice

  @OptionGroup var threads: ThreadCount

  @OptionGroup(title: "Region of interest") var interest: RegionOfInterestArguments

  @OptionGroup(title: "Watching the line") var watching: WatchArguments

  @Option(help: "How results are printed: a table for people, JSON lines or CSV for programs.")
  var format = Format.table

  @Option(
    help: ArgumentHelp(
      "Score above which a frame is rejected, any number. (default: the detector's)",
      valueName: "score"))
  var threshold: Float?

  @Option(
    help: ArgumentHelp(
      "Score above which a frame is to be looked at, any number up to the threshold. (default: the detector's, if it has "
        + "one)",
      valueName: "score"))
  var reviewThreshold: Float?

  @Option(
    help: ArgumentHelp(
      "Value of heat maps above which a pixel is anomalous, any number. (default: the detector's)", valueName: "value"))
  var pixelThreshold: Float?

  @Option(
    help: ArgumentHelp(
      "Of each frame the most severe regions above the pixel threshold, up to so many, 0 or more.", valueName: "count"))
  var regions = 0

  @Flag(help: "With --regions and --format json: the regions' contours too.")
  var contours = false

  @Option(
    help: ArgumentHelp("Fewest pixels of a region that counts, 0 or more.", valueName: "pixels"))
  var regionMinArea = 1

  @Option(
    help: ArgumentHelp("Lowest peak of a region that counts, any number. (default: none)", valueName: "value"))
  var regionMinScore: Float?

  @Option(
    help: ArgumentHelp(
      "Folder for heat maps, PNG files of the frames' sizes, in the colours inferno from "
        + "what nearly no pixel of a good frame exceeds (black) to the largest value there is (pale yellow). It is made "
        + "when there is none.", valueName: "folder"))
  var maps: String?

  @Option(
    help: ArgumentHelp(
      "File to which a record of every frame is appended, one JSON object a line. It is made when there is none.",
      valueName: "file"))
  var log: String?

  @Flag(help: "With --maps: draw the heat over the frame, with a line around what is above the pixel threshold.")
  var overlay = false

  func validate() throws {
    if overlay, maps == nil { throw ValidationError("--overlay needs --maps") }
    if contours, regions == 0 || format != .json {
      throw ValidationError("--contours needs --regions and --format json")
    }
    guard regions >= 0, regionMinArea >= 0 else { throw ValidationError("a number of regions or pixels is negative") }
    for threshold in [threshold, reviewThreshold, pixelThreshold, regionMinScore] {
      if let threshold, !threshold.isFinite { throw ValidationError("the threshold \(threshold) is not finite") }
    }
  }

  func run() throws {
    Interrupt.listen()
    let detector = try ModelFile.detector(path: model)
    guard detector.calibration != nil else {
      throw Failure(.notCalibrated, "\(model): it is not calibrated and gives no scores; see cflowad calibrate")
    }
    let thresholds = DecisionThresholds(
      detector.calibration, threshold: threshold, reviewThreshold: reviewThreshold, pixelThreshold: pixelThreshold,
      regionFilter: RegionFinder.Filter(minimumArea: regionMinArea, minimumPeak: regionMinScore))
    let scorer = try FrameScorer(detector, thresholds: thresholds, threadCount: threads.count)
    if let region = try interest.region(for: detector.preprocessing) { scorer.setRegionOfInterest(region) }
    scorer.watch = try watching.begin(detector)
    let log = try log.map { (path) throws(Failure) in try ResultLog(path, detector) }
    let files = FrameList(frames, of: .test, className: choice.name)
    let maps = try maps.map { folder throws(Failure) in
      try HeatMapFolder(folder, frames: files.paths, isOverlay: overlay)
    }
    for failure in files.failures { Output.note(failure.message) }

    let table = ScoreTable(files.paths)
    switch format {
    case .table where !files.paths.isEmpty: try Output.line(table.head)
    case .csv: try Output.line(ScoredFrame.csvHead(withRegions: regions > 0))
    case .table, .json: break
    }
    // On a terminal the results themselves show the progress, and a bar would be in their way.
    let display = Output.isErrorTerminal && !Output.isResultTerminal ? ProgressDisplay() : nil
    defer { display?.close() }
    var progress = Progress("scoring", total: files.paths.count)
    var (failureCount, rejectCount, reviewCount) = (files.failures.count, 0, 0)
    for path in files.paths {
      try Interrupt.check()
      display?.show(progress)
      progress.done += 1
      let result: ScoredFrame
      do throws(Failure) {
        result = try score(path, scorer, maps)
      } catch {
        display?.close()
        Output.note(error.message)
        failureCount += 1
        try log?.write(FailedFrame(file: path.shown, error: error.message))
        continue
      }
      try log?.write(result)
      switch result.verdict {
      case .pass: break
      case .review: reviewCount += 1
      case .reject: rejectCount += 1
      }
      switch format {
      case .table: for line in table.lines(result) { try Output.line(line) }
      case .json: try Output.line(json(result))
      case .csv: for line in result.csvLines(withRegions: regions > 0) { try Output.line(line) }
      }
    }
    display?.show(progress)
    if format == .table {
      Output.note(
        "\(String(files.paths.count + files.failures.count - failureCount, of: "frame")) scored, \(rejectCount) rejected "
          + "(threshold \(String(Double(thresholds.threshold), decimals: 6)))"
          + (reviewCount > 0 ? ", \(reviewCount) to look at" : ""))
    }
    if let watch = scorer.watch { try watching.end(watch) }
    if failureCount > 0 { throw ExitCode.failure }
  }

  private func score(_ path: String, _ scorer: FrameScorer, _ maps: HeatMapFolder?) throws(Failure) -> ScoredFrame {
    var request = FrameRequest()
    request.wantsFrameMap = maps != nil
    if format == .csv || regions > 0 { request.regionLimit = regions }
    let image = try ImageFile.read(path: path)
    return try image.withFrame { frame throws(Failure) in
      let clock = ContinuousClock()
      let start = clock.now
      let result: FrameResult
      do throws(Failure) { result = try scorer.score(frame, request) } catch { throw error.within(path) }
      let milliseconds = (clock.now - start).milliseconds
      try maps?.write(path, frame, result)
      let thresholds = result.thresholds
      return ScoredFrame(
        file: path.shown, score: result.score, pValue: number(result.pValue), lowPValue: number(result.lowPValue),
        threshold: thresholds.threshold, reviewThreshold: thresholds.reviewThreshold,
        lowThreshold: number(thresholds.lowThreshold), mapMean: result.mapMean,
        meanThreshold: number(thresholds.meanThreshold), verdict: result.verdict, milliseconds: milliseconds,
        regions: ScoredRegions(result, hasContours: contours), evidence: scorer.watch?.summary.evidence)
    }
  }
}

/// Nil for NaN.
func number(_ value: Float?) -> Float? { value.flatMap { $0.isNaN ? nil : $0 } }
