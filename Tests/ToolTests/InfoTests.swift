import Foundation
import ModelFile
import Scoring
import Support
import Testing

@testable import cflowad

struct InfoTests {
  private let folder: TemporaryFolder
  private let detector: DetectorFixture.DetectorCase

  init() throws {
    folder = try TemporaryFolder()
    detector = try detectorCase("resnet18_reflect")
  }

  private func summary(_ file: String) throws -> ModelSummary {
    let run = try ToolRun("info", file, "--json", folder: folder)
    #expect(run.status == 0)
    return try decodeJSON(ModelSummary.self, run.output.utf8)
  }

  @Test func aDetectorIsDescribed() throws {
    try folder.writeModel("detector.h5", detector)
    let summary = try summary("detector.h5")
    #expect(summary.kind == .detector)
    #expect(summary.architecture == "resnet18" && summary.padding == "reflect")
    #expect((summary.input.width, summary.input.height) == (detector.width, detector.height))
    #expect(summary.input.resample == "pillow-3.3")
    #expect(summary.levels.map(\.channels) == [128, 256, 512])
    #expect(summary.levels.map(\.width) == detector.levels.map(\.width))
    #expect(summary.levels.map(\.tap) == ["layer2", "layer3", "layer4"])
    #expect(summary.flow?.blocks == 2 && summary.flow?.conditionChannels == 16)
    #expect(summary.flow?.permutation == "hard" && summary.flow?.clamp == "alpha*tanh(s/alpha)")
    #expect(summary.calibration?.threshold == Float(detector.threshold))
    #expect(summary.calibration?.levelMaxima == detector.level_maxima)
    #expect(summary.calibration?.lowThreshold == nil && summary.calibration?.strangeFrames == nil)
    #expect(summary.provenance == ["made by": "Tests/Fixtures/make_detector.py"])

    let contents = try ModelFile.read(path: folder("detector.h5"))
    let model = try Detector(contents)
    #expect(summary.encoderParameters + (summary.flow?.parameters ?? 0) == model.parameterCount)
    #expect(summary.sessionBytes == (try model.sessionBytes))
    let size = try FileManager.default.attributesOfItem(atPath: folder("detector.h5"))[.size] as? Int
    #expect(summary.fileBytes == size && summary.fingerprint.count == 32)
    // Another file of the same bytes is the same model.
    try FileManager.default.copyItem(atPath: folder("detector.h5"), toPath: folder("copy.h5"))
    #expect(try self.summary("copy.h5").fingerprint == summary.fingerprint)
    try folder.writeModel("encoder.h5", detector, isEncoder: true)
    #expect(try self.summary("encoder.h5").fingerprint != summary.fingerprint)

    let text = try ToolRun("info", "detector.h5", folder: folder).output
    for fact in [
      "resnet18", "160x96 pixels", "1.087782", "Tests/Fixtures/make_detector.py", "256 channels, at layer3",
      summary.fingerprint,
    ] {
      #expect(text.contains(fact), "\(fact) in \(text)")
    }
  }

  @Test func strangeFramesAreListed() throws {
    var contents = try detector.contents()
    var calibration = try Calibration(levelMaxima: detector.level_maxima, total: 3, threshold: 1, scores: [0.5, 1])
    try calibration.setLowSide(LowSide(threshold: 0.5, verdict: .reject))
    try calibration.setStrangeScores([.black: [0.25], .noise: [.infinity], .dark: [2, 0.75, 3]])
    contents.calibration = calibration
    try ModelFile.write(contents, to: folder("detector.h5"))
    let told = try #require(summary("detector.h5").calibration)
    #expect(told.lowThreshold == 0.5 && told.lowVerdict == .reject && told.lowPromisedRate == 1.0 / 3)
    let strange = try #require(told.strangeFrames)
    #expect(strange.map(\.kind) == [.black, .noise, .dark])
    let scores: [[Float?]] = [[0.25], [nil], [2, 0.75, 3]]
    let verdicts: [[Verdict]] = [[.reject], [.reject], [.reject, .pass, .reject]]
    #expect(strange.map(\.scores) == scores && strange.map(\.verdicts) == verdicts)
    #expect(told.meanThreshold == nil && strange.allSatisfy { $0.means == nil })
    try calibration.setStrangeScores(
      [.black: [0.75], .noise: [.infinity]], means: [.black: [0.5], .noise: [.infinity]])
    try calibration.setMeanThreshold(above: 0.25)
    contents.calibration = calibration
    try ModelFile.write(contents, to: folder("means.h5"))
    let means = try #require(summary("means.h5").calibration)
    let expected: [[Float?]?] = [[0.5], [nil]]
    #expect(means.meanThreshold == 0.375 && means.strangeFrames?.map(\.means) == expected)
    #expect(means.strangeFrames?.map(\.verdicts) == [[.reject], [.reject]])
    #expect(try summary("means.h5").advice?.contains { $0.contains("with a map of mean above 0.375000") } == true)
    let text = try ToolRun("info", "detector.h5", folder: folder).output
    #expect(text.contains("reject below 0.500000, where up to 33.33 % of good frames may be"))
    #expect(text.contains("pass: dark; reject: black, noise"))
  }

  @Test func anEncoderIsDescribed() throws {
    try folder.writeModel("encoder.h5", detector, isEncoder: true)
    let summary = try summary("encoder.h5")
    #expect(summary.kind == .encoder)
    #expect(summary.levels.count == 3)
    #expect(summary.flow == nil && summary.calibration == nil && summary.sessionBytes == nil)
    #expect(try ToolRun("info", "encoder.h5", folder: folder).output.contains("to train a detector from"))
  }

  @Test func aMissingCalibrationIsTold() throws {
    try folder.writeModel("detector.h5", detector, isCalibrated: false)
    #expect(try ToolRun("info", "detector.h5", folder: folder).output.contains("no scores"))
  }

  @Test func damagedFilesAreAnErrorInOneLine() throws {
    try Data("no model".utf8).write(to: URL(filePath: folder("broken.h5")))
    let run = try ToolRun("info", "broken.h5", folder: folder)
    #expect(run.status == 1)
    #expect(run.output.isEmpty)
    #expect(run.errors.hasPrefix("cflowad: broken.h5: "))
    #expect(run.errors.split(separator: "\n").count == 1)
  }
}
