import Foundation
import ModelFile
import PNG
import Scoring
import Support
import Testing

@testable import cflowad

/// A miniature data set in MVTec AD's layout: classes bottle and cable with three training images, two good test images
/// and a defective one with its mask.
func makeMiniature(_ folder: TemporaryFolder, of detector: DetectorFixture.DetectorCase) throws {
  for name in ["bottle", "cable"] {
    for part in ["train/good", "test/good", "test/spot", "ground_truth/spot"] {
      try folder.makeFolder("mvtec/\(name)/\(part)")
    }
    for index in 0..<3 { try folder.writeFrame("mvtec/\(name)/train/good/00\(index).png", index, of: detector) }
    for index in 0..<2 { try folder.writeFrame("mvtec/\(name)/test/good/00\(index).png", index + 4, of: detector) }
    try folder.writeFrame("mvtec/\(name)/test/spot/000.png", 3, of: detector)
    var mask = [UInt8](repeating: 0, count: 32 * 32)
    for y in 8..<20 { for x in 5..<16 { mask[y * 32 + x] = 255 } }
    try PNG.write(
      path: folder("mvtec/\(name)/ground_truth/spot/000_mask.png"), pixels: mask, width: 32, height: 32, stride: 32,
      channels: 1)
  }
}

struct DataSetCommandTests {
  private let folder: TemporaryFolder
  private let small = [
    "--input-size", "64", "--levels", "1", "--blocks", "1", "--meta-epochs", "1", "--sub-epochs", "1", "--rotation",
    "0",
  ]

  init() throws {
    folder = try TemporaryFolder()
    let detector = try detectorCase("lite0")
    try folder.writeModel("encoder.h5", detector, isEncoder: true)
    try makeMiniature(folder, of: detector)
  }

  @Test func aClassIsTrainedCalibratedAndScored() throws {
    let trained = try ToolRun(
      list: ["train", "encoder.h5", "mvtec", "--class", "cable", "-o", "cable.h5"] + small, folder: folder)
    #expect(trained.status == 0, "\(trained.errors)")
    #expect(trained.errors.contains("3 frames, some held back"))
    let calibrated = try ToolRun("calibrate", "cable.h5", "mvtec/cable", "-o", "cable.h5", folder: folder)
    #expect(calibrated.status == 0, "\(calibrated.errors)")
    #expect(try ModelFile.read(path: folder("cable.h5")).calibration?.scores.count == 2)

    let scored = try ToolRun("score", "cable.h5", "mvtec", "--format", "json", "--threads", "1", folder: folder)
    #expect(scored.status == 0)
    let frames = try scored.lines.map { try decodeJSON(ScoredFrame.self, $0.utf8) }
    #expect(
      frames.map(\.file)
        == ["bottle", "cable"].flatMap { name in
          ["good/000", "good/001", "spot/000"].map { "mvtec/\(name)/test/\($0).png" }
        })
    let onTwo = try ToolRun("score", "cable.h5", "mvtec", "--format", "json", "--threads", "2", folder: folder)
    #expect(
      try onTwo.lines.map { try decodeJSON(ScoredFrame.self, $0.utf8).score }
        == frames.map(\.score))
  }

  @Test func framesAreCutIntoTiles() throws {
    let trained = try ToolRun(
      list: ["train", "encoder.h5", "mvtec", "--class", "cable", "-o", "cable.h5", "--tile-size", "96x64"] + small,
      folder: folder)
    #expect(trained.status == 0 && trained.errors.contains("tiles of 96x64 pixels"), "\(trained.errors)")
    let info = try ToolRun("info", "cable.h5", "--json", folder: folder)
    let summary = try decodeJSON(ModelSummary.self, info.output.utf8)
    #expect(summary.tiles?.width == 96 && summary.tiles?.height == 64 && summary.tiles?.overlap == 16)
    #expect(try ToolRun("info", "cable.h5", folder: folder).output.contains("96x64 pixels of the frame, 16 shared"))

    let calibrated = try ToolRun("calibrate", "cable.h5", "mvtec/cable", "-o", "cable.h5", folder: folder)
    #expect(calibrated.status == 0, "\(calibrated.errors)")
    let scored = try ToolRun(
      "score", "cable.h5", "mvtec/cable", "--format", "json", "--regions", "3", "--maps", "heat", "--overlay",
      folder: folder)
    #expect(scored.status == 0, "\(scored.errors)")
    let scores = try scored.lines.map { try decodeJSON(ScoredFrame.self, $0.utf8).score }

    let evaluated = try ToolRun(
      "evaluate", "cable.h5", "--data", "mvtec/cable", "--json", "all.json", "--html", "report.html", folder: folder)
    #expect(evaluated.status == 0, "\(evaluated.errors)")
    let result = try decodeJSON(EvaluationSummary.self, Data(contentsOf: URL(fileURLWithPath: folder("all.json"))))
    let images = try #require(result.classes.first)
    // What the tool scores is what it measures.
    #expect(images.images.map(\.deployedScore) == scores)
    #expect(images.width > 64 && images.height > 64 && images.paper.pixelAUROC != nil)

    let timed = try ToolRun("bench", "cable.h5", "--frames", "2", "--frame-size", "200x100", folder: folder)
    #expect(timed.status == 0 && timed.lines.last?.hasPrefix("whole") == true)
    // Only images of one size are measured together.
    try folder.writeFrame("mvtec/cable/test/good/002.png", 0, of: detectorCase("resnet18_reflect"))
    let mixed = try ToolRun("evaluate", "cable.h5", "--data", "mvtec/cable", folder: folder)
    #expect(mixed.status == 1 && mixed.errors.contains("images of one size"))
  }

  @Test func severalClassesNeedAChoice() throws {
    let run = try ToolRun(list: ["train", "encoder.h5", "mvtec", "-o", "all.h5"] + small, folder: folder)
    #expect(run.status == 1)
    #expect(run.errors == "cflowad: mvtec: choose one by --class: bottle, cable\n")
  }

  @Test func evaluationIsByClass() throws {
    try folder.writeModel("lite0.h5", detectorCase("lite0"))
    let run = try ToolRun("evaluate", "lite0.h5", "--data", "mvtec", "--class", "cable", folder: folder)
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.lines.count == 3 && run.lines[1].hasPrefix("cable") && run.lines[2].contains("deployed"))
    let missing = try ToolRun("evaluate", "lite0.h5", "--data", "mvtec", "--json", "none/a.json", folder: folder)
    #expect(missing.status == 1 && missing.errors.hasPrefix("cflowad: none/a.json: "))
  }

  /// Scores may be strange for being low: the report says where that begins and which images it is about.
  @Test func theReportTellsOfLowScores() throws {
    let detector = try detectorCase("lite0")
    try folder.writeModel("lite0.h5", detector)
    let scored = try ToolRun("evaluate", "lite0.h5", "--data", "mvtec/cable", "--json", "all.json", folder: folder)
    #expect(scored.status == 0, "\(scored.errors)")
    let result = try decodeJSON(EvaluationSummary.self, Data(contentsOf: URL(fileURLWithPath: folder("all.json"))))
    let scores = try #require(result.classes.first).images.compactMap(\.deployedScore)
    let lowest = try #require(scores.min())
    var contents = try detector.contents()
    contents.calibration = try contents.calibration.map { old in
      var new = try Calibration(levelMaxima: old.levelMaxima, total: old.total, threshold: 9, scores: old.scores)
      try new.setLowSide(LowSide(threshold: lowest.nextUp, verdict: .review))
      return new
    }
    try ModelFile.write(contents, to: folder("low.h5"))
    let run = try ToolRun("evaluate", "low.h5", "--data", "mvtec/cable", "--html", "report.html", folder: folder)
    #expect(run.status == 0, "\(run.errors)")
    let report = try String(contentsOfFile: folder("report.html"), encoding: .utf8)
    #expect(report.contains("<h3>To review: 1 image below the low threshold</h3>"))
    #expect(report.contains("review, too low</b>") && report.contains("<td>review, too low</td>"))
    #expect(report.contains("Reject above 9.0000, review below"))
    #expect(report.contains("class=\"threshold low\"") && report.contains("class=\"threshold high\""))
  }

  @Test func evaluationSaysHowFarItIs() throws {
    try folder.writeModel("lite0.h5", detectorCase("lite0"))
    let run = try ToolRun("evaluate", "lite0.h5", "--data", "mvtec/cable", folder: folder)
    #expect(run.status == 0)
    let stages = run.errors.split(separator: "\n").filter { $0.contains("100%") }.map { $0.split(separator: " ").first }
    #expect(stages == ["reading", "scoring"], "\(run.errors)")
  }

  @Test func outputsAreCheckedBeforeAnythingIsMeasured() throws {
    try folder.writeModel("lite0.h5", detectorCase("lite0"))
    try Data("path,label\nmvtec/cable/test/good/000.png,good\n".utf8).write(to: URL(filePath: folder("list.csv")))
    for (outputs, problem) in [
      (["--html", "mvtec"], "mvtec: it cannot be written: it is a folder"),
      (["--csv", "a.txt", "--json", "./a.txt"], "a.txt: it would be replaced, but two outputs are the same file"),
      (["--csv", "list.csv"], "list.csv: it would be replaced, but the command reads it"),
      (["--json", "lite0.h5"], "lite0.h5: it would be replaced, but the command reads it"),
      (["--json", ""], "the name of an output is empty"),
    ] {
      let run = try ToolRun(list: ["evaluate", "lite0.h5", "--data", "list.csv"] + outputs, folder: folder)
      #expect(run.status == 1 && run.errors.contains(problem), "\(run.errors)")
      #expect(!run.errors.contains("reading"))
    }
  }
}
