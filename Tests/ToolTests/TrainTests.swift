import Foundation
import ModelFile
import Scoring
import Support
import Testing

@testable import cflowad

struct TrainTests {
  private let folder: TemporaryFolder

  /// An encoder and four frames in `good`.
  init() throws {
    folder = try TemporaryFolder()
    let detector = try detectorCase("lite0")
    try folder.writeModel("encoder.h5", detector, isEncoder: true)
    try folder.makeFolder("good")
    for index in 0..<4 { try folder.writeFrame("good/\(index).png", index, of: detector) }
  }

  private func train(_ model: String, to output: String, threads: Int = 0) throws -> ToolRun {
    try ToolRun(
      "train", model, "good", "-o", output, "--threads", "\(threads)", "--input-size", "64x32", "--levels", "2",
      "--blocks", "2", "--condition", "8", "--meta-epochs", "1", "--sub-epochs", "2", "--rotation", "0", "--seed", "3",
      folder: folder)
  }

  @Test func aTrainedDetectorScores() throws {
    let run = try train("encoder.h5", to: "detector.h5")
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.output.isEmpty)
    for fact in [
      "efficientnet_lite0 at 64x32 pixels", "4 frames", "epoch 2/2", "calibrating 100%", "1 frame held back",
      "about 1 of 2 good frames may be rejected: 1 calibration frame cannot support 1 %",
    ] {
      #expect(run.errors.contains(fact), "\(fact) in \(run.errors)")
    }
    // No bar where no terminal is.
    #expect(!run.errors.contains("\r"))

    let contents = try ModelFile.read(path: folder("detector.h5"))
    #expect(contents.preprocessing.width == 64 && contents.preprocessing.height == 32)
    #expect(contents.flowWeights.count == 2 && contents.flow?.blockCount == 2)
    #expect(contents.calibration?.scores.count == 1)
    let scored = try ToolRun("score", "detector.h5", "good", "--format", "json", folder: folder)
    #expect(scored.status == 0)
    #expect(scored.lines.count == 4)

    #expect(try train("encoder.h5", to: "again.h5", threads: 1).status == 0)
    #expect(try ModelFile.read(path: folder("again.h5")).flowWeights == contents.flowWeights)
  }

  /// An option of the paper's training alone decides where flows start; the command says so.
  @Test func theChoiceOfTheStartIsSaid() throws {
    let run = try train("encoder.h5", to: "paper.h5")
    #expect(
      run.errors.contains(
        "the paper's training, from random weights on, since it alone reads coupling blocks, condition channels, meta "
          + "epochs and sub-epochs; without these options a Gaussian is fitted, in seconds"), "\(run.errors)")
    let asked = try ToolRun(
      "train", "encoder.h5", "good", "-o", "asked.h5", "--input-size", "64x32", "--start", "paper", "--blocks", "1",
      "--meta-epochs", "1", "--sub-epochs", "1", folder: folder)
    #expect(asked.status == 0 && !asked.errors.contains("it alone reads"), "\(asked.errors)")
    let further = try ToolRun(
      "train", "paper.h5", "good", "-o", "further.h5", "--meta-epochs", "1", "--sub-epochs", "1", folder: folder)
    #expect(further.status == 0 && !further.errors.contains("it alone reads"), "\(further.errors)")
  }

  /// What the exporter was asked for is the encoder's, whose input may be another than the detector's.
  @Test func aGaussianIsDescribedAsOne() throws {
    var encoder = try ModelFile.open(path: folder("encoder.h5"))
    encoder.provenance = ["options": "--input-size 128 128", "source": "lite0.pth"]
    try ModelFile.write(encoder, to: folder("encoder.h5"))
    let told = try ToolRun("info", "encoder.h5", folder: folder)
    #expect(told.output.contains(#/\nmade with +--input-size 128 128\n/#), "\(told.output)")
    let run = try ToolRun(
      "train", "encoder.h5", "good", "-o", "detector.h5", "--input-size", "64x32", folder: folder)
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.errors.contains("3 levels, a Gaussian for each position"))
    let info = try ToolRun("info", "detector.h5", folder: folder)
    let flows = try #require(info.lines.first { $0.hasPrefix("flows ") })
    #expect(flows.contains("  a Gaussian for each position of each level, no coupling blocks, "), "\(flows)")
    #expect(!flows.contains("condition") && !flows.contains("permutation"))
    #expect(info.output.contains(#/\nencoder made with +--input-size 128 128\n/#), "\(info.output)")
    #expect(info.output.contains(#/\nencoder made from +lite0.pth\n/#))
    let json = try ToolRun("info", "detector.h5", "--json", folder: folder)
    #expect(try decodeJSON(ModelSummary.self, json.output.utf8).flow?.start == "gaussian")
  }

  @Test func aTimeBudgetSaysWhatItDid() throws {
    func run(_ options: String...) throws -> ToolRun {
      try ToolRun(
        list: ["train", "encoder.h5", "good", "-o", "d.h5", "--input-size", "64", "--levels", "1"] + options,
        folder: folder)
    }
    let hurried = try run("--time", "0.001s")
    #expect(hurried.status == 0, "\(hurried.errors)")
    #expect(hurried.errors.contains("no time was left for coupling steps: the closed form alone, as by --steps 0\n"))
    let trained = try run("--steps", "40", "--blocks", "2", "--condition", "8", "--fibers", "16")
    #expect(trained.status == 0 && trained.errors.contains("step 40/40"), "\(trained.errors)")
    for (options, problem) in [
      (["--time", "5s", "--steps", "4"], "contradict each other"),
      (["--preset", "best", "--start", "gaussian"], "the preset best decides"),
      (["--preset", "quick", "--time", "1min"], "the preset quick decides"),
      (["--time", "soon"], "--time"), (["--time", "0"], "--time"), (["--time", "5days"], "--time"),
      (["--steps=-1"], "coupling steps"),
    ] {
      let refused = try ToolRun(list: ["train", "encoder.h5", "good", "-o", "x.h5"] + options, folder: folder)
      #expect(refused.status == 64 && refused.errors.contains(problem), "\(options): \(refused.errors)")
    }
  }

  @Test func aDetectorIsTrainedOnAndCalibratedAnew() throws {
    try folder.makeFolder("bad")
    try folder.writeFrame("bad/0.png", 4, of: detectorCase("lite0"))
    try folder.makeFolder("new")
    for index in 0..<4 { try folder.writeFrame("new/\(index).png", 5 + index, of: detectorCase("lite0")) }
    #expect(try train("encoder.h5", to: "detector.h5").status == 0)
    let first = try ModelFile.read(path: folder("detector.h5"))

    let run = try ToolRun(
      "train", "detector.h5", "good/0.png", "good/1.png", "-o", "further.h5", "--calibrate-on", "new/2.png",
      "--calibrate-on", "new/3.png", "--meta-epochs", "1", "--sub-epochs", "1", folder: folder)
    #expect(run.status == 0, "\(run.errors)")
    let further = try ModelFile.read(path: folder("further.h5"))
    #expect(further.flow == first.flow && further.preprocessing == first.preprocessing)
    #expect(further.flowWeights != first.flowWeights)
    #expect(further.calibration?.scores.count == 2)

    let calibrated = try ToolRun(
      "calibrate", "detector.h5", "new", "-o", "detector.h5", "--false-reject-rate", "0.4", folder: folder)
    #expect(calibrated.status == 0, "\(calibrated.errors)")
    let second = try ModelFile.read(path: folder("detector.h5"))
    #expect(second.flowWeights == first.flowWeights)
    // Of 4 scores the ceil(5 * 0.6) = 3rd.
    let scores = try #require(second.calibration?.scores)
    #expect(scores.count == 4)
    #expect(second.calibration?.threshold == scores.sorted()[2])
    #expect(!calibrated.errors.contains("cannot support") && !calibrated.errors.contains("frame held back"))
    #expect(calibrated.errors.contains("about 2 of 5 good frames will be rejected (40 % on average"))
    #expect(second.calibration?.reviewThreshold == nil)

    let chosen = try ToolRun(
      "calibrate", "detector.h5", "new", "-o", "detector.h5", "--false-reject-rate", "0.2", "--review-rate", "0.4",
      "--defective", "bad", "--threshold-rule", "cost", "--miss-cost", "1e-6", folder: folder)
    #expect(chosen.status == 0, "\(chosen.errors)")
    #expect(chosen.errors.contains("4 calibration frames and 1 defective frame"))
    let third = try #require(ModelFile.read(path: folder("detector.h5")).calibration)
    // A miss that costs nothing: no good frame is rejected.
    #expect(third.threshold >= scores.max() ?? .infinity)
    #expect(third.reviewThreshold == scores.sorted()[2])
    let scored = try ToolRun("score", "detector.h5", "new", folder: folder)
    #expect(scored.lines.map { $0.hasSuffix(" review") }.filter { $0 }.count == 1)
    #expect(scored.errors.contains("1 to look at"))
    let part = try ToolRun(
      "calibrate", "detector.h5", "new", "-o", "part.h5", "--roi", "0,0,50,40", "--roi-size", "100x40", folder: folder)
    #expect(part.status == 0, "\(part.errors)")
    let region = try #require(ModelFile.read(path: folder("part.h5")).calibration?.regionOfInterest)
    #expect(region.mask.enumerated().allSatisfy { ($0.element != 0) == ($0.offset % 64 < 32) })
    #expect(try ToolRun("info", "part.h5", folder: folder).output.contains("50.0 % of the frame"))
    try folder.writeFrame("mask.png", 0, of: detectorCase("lite0"))
    let masked = try ToolRun("score", "part.h5", "good", "--roi-mask", "mask.png", folder: folder)
    #expect(masked.status == 0 && masked.lines.count == 5, "\(masked.errors)")
    let empty = try ToolRun(
      "score", "part.h5", "good", "--roi", "0,0,0,9", "--roi-size", "100x40", folder: folder)
    #expect(empty.status == 1 && empty.errors.contains("empty"))
    let info = try ToolRun("info", "detector.h5", folder: folder)
    #expect(info.output.contains("review") && info.output.contains("and 1 defective frame"))
  }

  @Test func lowScoresAreStrange() throws {
    try folder.makeFolder("new")
    for index in 0..<5 { try folder.writeFrame("new/\(index).png", 5 + index, of: detectorCase("lite0")) }
    #expect(try train("encoder.h5", to: "detector.h5").status == 0)
    func calibrate(_ options: String...) throws -> (run: ToolRun, info: String, scored: ToolRun) {
      let run = try ToolRun(
        list: ["calibrate", "detector.h5", "new", "-o", "new.h5", "--low-rate", "0.4"] + options, folder: folder)
      return (
        run, try ToolRun("info", "new.h5", folder: folder).output, try ToolRun("score", "new.h5", "new", folder: folder)
      )
    }
    // Of 6 ranks floor(6 * 0.4) = 2: the lowest of five frames is below the second lowest.
    let looking = try calibrate()
    #expect(looking.run.status == 0, "\(looking.run.errors)")
    #expect(looking.run.errors.contains("verdict review, for up to 33.33 % of good frames too"))
    #expect(looking.info.contains("review below") && looking.info.contains("33.33 %"))
    #expect(looking.scored.lines.count { $0.hasSuffix("  0.333333  review, low") } == 1, "\(looking.scored.output)")
    #expect(looking.scored.errors.contains("1 to look at"))
    let rejecting = try calibrate("--low-verdict", "reject")
    #expect(rejecting.scored.lines.count { $0.hasSuffix("  0.333333  reject, low") } == 1)
    let off = try calibrate("--low-verdict", "pass")
    #expect(!off.info.contains("below") && !off.run.errors.contains("a score below"))
    #expect(!off.scored.output.contains("low") && !off.scored.output.contains("review"))
    let json = try ToolRun("score", "new.h5", "new", "--format", "json", folder: folder)
    #expect(json.lines.allSatisfy { $0.contains("\"low_p_value\":") && !$0.contains("low_threshold") })
    #expect(
      try ToolRun("calibrate", "detector.h5", "new", "-o", "x.h5", "--low-rate", "2", folder: folder).status == 64)
    #expect(
      try ToolRun("calibrate", "detector.h5", "new", "-o", "x.h5", "--low-verdict", "off", folder: folder).status == 64)
  }

  @Test func whatIsPassedThoughItShouldNotIsSaid() throws {
    let run = try train("encoder.h5", to: "detector.h5")
    let contents = try ModelFile.read(path: folder("detector.h5"))
    let kept = try #require(contents.calibration)
    #expect(kept.triedKinds == StrangeFrame.allCases)
    let lines = try Detector(contents).advice.lines
    #expect(lines.first == "fitted to 3 frames, 1 of the 4 given held back; calibrated on 1 frame")
    for line in lines { #expect(run.errors.contains("cflowad: detector.h5: \(line)\n")) }
    let info = try ToolRun("info", "detector.h5", folder: folder).output
    for line in lines { #expect(info.contains(line)) }
    // The calibration's part is told anew, the fit's stays.
    try folder.makeFolder("new")
    for index in 0..<3 { try folder.writeFrame("new/\(index).png", 5 + index, of: detectorCase("lite0")) }
    let again = try ToolRun("calibrate", "detector.h5", "new", "-o", "new.h5", folder: folder)
    #expect(again.errors.contains("new.h5: fitted to 3 frames, 1 of the 4 given held back; calibrated on 3 frames\n"))
    let calibration = try #require(ModelFile.read(path: folder("new.h5")).calibration)
    let setter = try #require(calibration.thresholdFrame)
    #expect(setter.name == "new/\(setter.index).png" && calibration.scores[setter.index] == calibration.threshold)
    let line = try #require(info.split(separator: "\n").first { $0.hasPrefix("strange frames") })
    for kind in StrangeFrame.allCases { #expect(line.contains(kind.rawValue)) }
    try folder.writeModel("older.h5", detectorCase("lite0"))
    #expect(try ToolRun("info", "older.h5", folder: folder).output.contains("not tried: it is not known"))
  }

  @Test func framesThatWereTrainedOnAreRefused() throws {
    #expect(try train("encoder.h5", to: "detector.h5").status == 0)
    let before = try Data(contentsOf: URL(filePath: folder("detector.h5")))
    let calibrated = try ToolRun("calibrate", "detector.h5", "good", "-o", "detector.h5", folder: folder)
    #expect(calibrated.status == 1)
    let problems = calibrated.errors.split(separator: "\n").filter { $0.contains("was trained on this frame") }
    #expect(problems.count == 3 && problems.allSatisfy { $0.hasPrefix("cflowad: good/") }, "\(calibrated.errors)")
    #expect(calibrated.errors.hasSuffix("cflowad: 3 images of 4 cannot be used\n"))
    #expect(try Data(contentsOf: URL(filePath: folder("detector.h5"))) == before)
    let further = try ToolRun(
      "train", "detector.h5", "good/0.png", "-o", "further.h5", "--calibrate-on", "good", folder: folder)
    #expect(further.status == 1 && further.errors.contains("was trained on this frame"), "\(further.errors)")
  }

  @Test func mistakesAreFoundBeforeTheWork() throws {
    try folder.makeFolder("empty")
    try folder.writeModel("other.h5", detectorCase("resnet18_reflect"), isEncoder: true)
    mkfifo(folder("pipe"), 0o600)
    for (arguments, problem) in [
      (["encoder.h5", "good", "-o", "missing/detector.h5"], "missing/detector.h5: "),
      (["encoder.h5", "empty", "-o", "detector.h5"], "empty: "),
      (["encoder.h5", "good", "-o", "detector.h5", "--calibrate-on", "none"], "none: "),
      (["none.h5", "good", "-o", "detector.h5"], "none.h5: "),
      (["encoder.h5", "encoder.h5", "-o", "detector.h5"], "1 image of 1 cannot be used"),
      (["encoder.h5", "good", "-o", "encoder.h5"], "encoder.h5: it holds an encoder, which the detector would"),
      (["encoder.h5", "good", "-o", "good"], "good: it cannot be written: it is a folder"),
      (["encoder.h5", "good", "-o", "pipe"], "pipe: it cannot be written: it is no regular file"),
      (["encoder.h5", "good", "-o", "new/"], "new/: it cannot be written: it is the name of a folder"),
      (["encoder.h5", "good", "-o", "good/0.png"], "good/0.png: it would be replaced, but the command reads it"),
      (["encoder.h5", "good", "-o", "d.h5", "--checkpoint", "missing/c"], "missing/c: it cannot be written: "),
      (["encoder.h5", "good", "-o", "d.h5", "--checkpoint", "d.h5"], "d.h5: it would be replaced, but two outputs"),
      (["encoder.h5", "good", "-o", "d.h5", "--checkpoint", "good"], "good: it cannot be written: it is a folder"),
      (["encoder.h5", "good", "-o", "d.h5", "--encoder-file", "a/b.h5"], "'a/b.h5' is not the name of another file"),
      (["encoder.h5", "good", "-o", "d.h5", "--encoder-file", "other.h5"], "./other.h5: it holds another encoder"),
    ] {
      let run = try ToolRun(list: ["train"] + arguments, folder: folder)
      #expect(run.status == 1)
      #expect(run.errors.split(separator: "\n").last?.hasPrefix("cflowad: \(problem)") == true, "\(run.errors)")
      #expect(!run.errors.contains("training"))
    }
    let run = try ToolRun("calibrate", "encoder.h5", "good", "-o", "detector.h5", folder: folder)
    #expect(run.status == 1)
    #expect(run.errors == "cflowad: encoder.h5: it holds an encoder without flows: train it first\n")
    #expect(!FileManager.default.fileExists(atPath: folder("detector.h5")))
  }

  @Test func everyUnreadableFrameIsNamed() throws {
    for name in ["good/bad1.png", "good/bad2.png"] { try Data("no image".utf8).write(to: URL(filePath: folder(name))) }
    let run = try train("encoder.h5", to: "detector.h5")
    #expect(run.status == 1)
    for name in ["bad1", "bad2"] { #expect(run.errors.contains("cflowad: good/\(name).png: ")) }
    #expect(run.errors.hasSuffix("cflowad: 2 images of 6 cannot be used\n") && !run.errors.contains("\ntraining "))
    #expect(!FileManager.default.fileExists(atPath: folder("detector.h5")))
  }

  @Test func aTrainingThatGoesOnSaysSo() throws {
    let arguments = [
      "train", "encoder.h5", "good", "-o", "detector.h5", "--input-size", "64", "--meta-epochs", "1", "--sub-epochs",
      "400", "--checkpoint", "kept.h5", "--levels", "1", "--blocks", "2", "--rotation", "0",
    ]
    let process = ToolRun.process(arguments, folder)
    let errors = Pipe()
    process.standardError = errors
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    while process.isRunning, !FileManager.default.fileExists(atPath: folder("kept.h5")) { usleep(1000) }
    process.interrupt()
    let text = String(decoding: try errors.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    process.waitUntilExit()
    try #require(process.terminationStatus == 130, "\(text)")
    #expect(
      text.hasSuffix(
        "cflowad: cancelled; no detector was written; the same command goes on from the passes kept in kept.h5\n"))
    let run = try ToolRun(list: arguments, folder: folder)
    #expect(run.status == 0)
    #expect(
      run.errors.contains(#/cflowad: the training goes on: [0-9]+ of 400 passes over the frames were done before/#),
      "\(run.errors)")
    #expect(!FileManager.default.fileExists(atPath: folder("kept.h5")))
  }

  @Test func controlCStopsWithoutAFile() throws {
    let process = ToolRun.process(
      ["train", "encoder.h5", "good", "-o", "detector.h5", "--input-size", "64", "--meta-epochs", "60"], folder)
    let errors = Pipe()
    process.standardError = errors
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    // By its first word the tool listens to the signal.
    var text = String(decoding: errors.fileHandleForReading.availableData, as: UTF8.self)
    process.interrupt()
    text += String(decoding: try errors.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationReason == .exit)
    #expect(process.terminationStatus == 130)
    #expect(text.hasSuffix("cflowad: cancelled; no detector was written\n"))
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    #expect(names == ["encoder.h5", "good"])
  }
}
