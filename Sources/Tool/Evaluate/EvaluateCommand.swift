import ArgumentParser
import Basics
import DataSets
import FoundationEssentials
import ModelFile
import Scoring

struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Measure a detector on a data set's test images.",
    discussion: """
      Prints a table of measures in percent, for each class and their mean, by two protocols. "paper" scales the maps \
      by the extremes of the whole test set, as the original does for its tables, so that an image's score depends on \
      the others. "deployed" uses the constants frozen at calibration: what the detector gives in use.

      Measures: area under the ROC curve (AUROC) of image scores and of pixels; area under the per-region-overlap \
      curve up to 30 % false positives as the original computes it (AUPRO PAPER) and as the field does (AUPRO); \
      largest F1; average precision (AP). Pixels are measured where all defective images have masks, at the network's \
      size; with a detector that cuts frames into tiles, at its tiles' scale, and the images must be of one size.

      A data set is a folder in the layout of MVTec AD or STC, a folder with the folders good, defective (or any other \
      names) and perhaps masks, or a CSV file with the columns path, label, and perhaps split, mask and class. \
      {class} in the name of the detector stands for the class's name. Images that cannot be read are reported and left \
      out, and make the exit status 1, as does a set without good or without defective images.

      Examples:

        cflowad evaluate bottle.h5 --data mvtec/bottle --html report.html
        cflowad evaluate 'models/{class}.h5' --data mvtec --json all.json
        cflowad evaluate detector.h5 --data list.csv
      """)

  @Argument(help: ArgumentHelp("Model file with a detector; {class} in it is replaced.", valueName: "detector.h5"))
  var model: String

  @Option(help: ArgumentHelp("Data set: a folder, or a CSV file.", valueName: "path"))
  var data: String

  @OptionGroup var choice: ClassChoice

  @OptionGroup var threads: ThreadCount

  @Option(
    name: .customLong("json"), help: ArgumentHelp("File for all results, with every image's.", valueName: "file"))
  var jsonPath: String?

  @Option(name: .customLong("csv"), help: ArgumentHelp("File for the table, with full precision.", valueName: "file"))
  var csvPath: String?

  @Option(
    name: .customLong("html"),
    help: ArgumentHelp(
      "File for a report: decisions at the detector's threshold, curves, histograms, images with their maps; it needs no "
        + "other file.", valueName: "file"))
  var htmlPath: String?

  @Option(
    help: ArgumentHelp(
      "With --html: of each kind of decision (missed, false alarms, found, passed) up to so many images are shown, 0 or more.",
      valueName: "count"))
  var htmlImages = 6

  func validate() throws {
    guard htmlImages >= 0 else { throw ValidationError("a number of images is negative") }
  }

  func run() throws {
    Interrupt.listen()
    try OutputPaths.check([jsonPath, csvPath, htmlPath].compactMap { $0 }, inputs: [model, data])
    let display = ProgressDisplay()
    defer { display.close() }
    let set = try DataSet(data, part: .test, className: choice.name, report: { Output.note($0) })
    let problems = Problems(display)
    var summaries: [EvaluationSummary.Class] = []
    var report = Report(imageLimit: htmlImages)
    // Classes are evaluated one at a time; only numbers and the report's drawings are kept.
    for imageClass in set.classes {
      guard let evaluation = try evaluate(imageClass, problems, display) else { continue }
      summaries.append(EvaluationSummary.Class(evaluation))
      if htmlPath != nil { try report.add(evaluation, by: ModelSummary(path: evaluation.model)) }
      if let decisions = evaluation.decisions {
        display.note("\(imageClass.name): at the detector's threshold \(decisions.text)")
      }
    }
    guard !summaries.isEmpty else { throw ExitCode.failure }
    let summary = EvaluationSummary(summaries)
    if let jsonPath { try TextFile.write(json(summary, isIndented: true) + "\n", to: jsonPath) }
    if let csvPath { try TextFile.write(summary.csv, to: csvPath) }
    if let htmlPath { try TextFile.write(report.html(summary, data: data, date: .now), to: htmlPath) }
    for line in summary.table { try Output.line(line) }
    if problems.count > 0 { throw ExitCode.failure }
  }

  /// The problems that were reported, which make the exit status 1.
  private final class Problems {
    private(set) var count = 0
    private let display: ProgressDisplay

    init(_ display: ProgressDisplay) { self.display = display }

    func note(_ message: String) {
      display.note(message)
      count += 1
    }
  }

  /// Nil when there is no image to measure on.
  private func evaluate(
    _ imageClass: DataSet.ImageClass, _ problems: Problems, _ display: ProgressDisplay
  ) throws(Failure) -> ClassEvaluation? {
    let path = model.replacing("{class}", with: imageClass.name)
    let scored = try imageClass.samples.isEmpty ? nil : score(imageClass.samples, by: path, problems, display)
    guard let scored, scored.images.count > 0 else {
      problems.note("\(imageClass.name): there are no test images")
      return nil
    }
    for (label, kind) in [(UInt8(0), "good"), (1, "defective")] where !scored.images.labels.contains(label) {
      problems.note(
        "\(imageClass.name): there are no \(kind) test images: how well good and defective ones are told apart is not measured"
      )
    }
    for doubt in scored.images.doubts { display.note(doubt) }
    let evaluation = try ClassEvaluation(name: imageClass.name, model: path, scored)
    let unknown = imageClass.samples.count { !$0.hasTruth }
    if unknown > 0 {
      display.note(
        "\(imageClass.name): \(String(unknown, of: "defective image")) without a mask: pixels are not measured")
    }
    if evaluation.deployed == nil {
      display.note("\(path): it is not calibrated: only the paper's protocol is measured")
    }
    return evaluation
  }

  /// The detector is freed at the end of this function, since measuring needs the memory.
  private func score(
    _ samples: [Sample], by path: String, _ problems: Problems, _ display: ProgressDisplay
  ) throws(Failure) -> ScoredImages {
    let detector = try ModelFile.detector(path: path)
    let images = try TestImages(samples, detector.preprocessing, display) { (failure) throws(Failure) in
      problems.note("\(failure.message): left out")
    }
    return try ScoredImages(detector, images, threadCount: threads.count, display)
  }
}
