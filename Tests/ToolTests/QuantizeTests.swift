import Foundation
import ModelFile
import Support
import Testing

@testable import cflowad

struct QuantizeTests {
  private let folder: TemporaryFolder

  /// A detector in float32, its encoder alone, and frames in `good` and `new`.
  init() throws {
    folder = try TemporaryFolder()
    let detector = try detectorCase("lite0")
    try folder.writeModel("detector.h5", detector)
    try folder.writeModel("encoder.h5", detector, isEncoder: true)
    for (name, first) in [("good", 0), ("new", 4)] {
      try folder.makeFolder(name)
      for index in first..<first + 4 { try folder.writeFrame("\(name)/\(index).png", index, of: detector) }
    }
  }

  private func quantize(_ model: String, _ options: String...) throws -> ToolRun {
    try ToolRun(list: ["quantize", model, "--frames", "good", "-o", "made.h5"] + options, folder: folder)
  }

  @Test func aDetectorIsMadeOneOfEightBits() throws {
    let run = try quantize("detector.h5")
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.output.contains(#/^1 good frame that calibrated both: every verdict stays\n$/#), "\(run.output)")
    for fact in ["it does not say which frames it was trained on", "encoding    100%", "1 frame held back"] {
      #expect(run.errors.contains(fact), "\(fact) in \(run.errors)")
    }
    let (original, made) = (
      try ModelFile.read(path: folder("detector.h5")), try ModelFile.read(path: folder("made.h5"))
    )
    #expect(made.encoder.precision == .int8 && made.flow == original.flow)
    for (made, original) in zip(made.flowWeights, original.flowWeights) {
      for (key, tensor) in original.tensors where !key.contains("weight") && !key.contains("w_perm") {
        #expect(made[key] == tensor)
      }
    }
    let info = try ToolRun("info", "made.h5", folder: folder)
    #expect(info.output.contains("int8") && info.output.contains("3 frames, flows as they were"), "\(info.output)")
    let scored = try ToolRun("score", "made.h5", "new", folder: folder)
    #expect(scored.status == 0 && scored.lines.count == 5)

    let tuned = try quantize("detector.h5", "--fine-tune", "1", "--calibrate-on", "new", "--json")
    #expect(tuned.status == 0 && !tuned.errors.contains("it does not say"), "\(tuned.errors)")
    let summary = try decodeJSON(QuantizationSummary.self, tuned.output.utf8)
    #expect(summary.passes == 1 && summary.rangeFrames == 4 && summary.heldBack.good == 4 && summary.test == nil)
    #expect(try ModelFile.read(path: folder("made.h5")).flowWeights != made.flowWeights)
  }

  @Test func whatCannotBeIsRefused() throws {
    try folder.makeFolder("test/good")
    try folder.writeFrame("test/good/9.png", 5, of: detectorCase("lite0"))
    #expect(try quantize("detector.h5").status == 0)
    let again = try ToolRun("quantize", "made.h5", "--frames", "new", "-o", "x.h5", folder: folder)
    #expect(again.status == 1 && again.errors.contains("one of 8 bits already"), "\(again.errors)")
    for (model, options, status, text) in [
      ("encoder.h5", [], 1, "an encoder without flows: train it first, with --precision int8"),
      ("detector.h5", ["--fine-tune=-1"], 64, "passes"), ("detector.h5", ["--hold-back", "2"], 64, "calibration"),
      ("detector.h5", ["--test", "good"], 1, "not a data set"), ("detector.h5", ["--test", "nowhere"], 1, "nowhere"),
    ] as [(String, [String], Int32, String)] {
      let run = try ToolRun(list: ["quantize", model, "--frames", "good", "-o", "x.h5"] + options, folder: folder)
      #expect(run.status == status && run.errors.contains(text), "\(options): \(run.errors)")
    }
    // The same file by another name tells nothing about new frames.
    try FileManager.default.linkItem(atPath: folder("good/0.png"), toPath: folder("test/good/0.png"))
    let same = try quantize("detector.h5", "--test", "test")
    #expect(same.status == 1 && same.errors.contains("it is a test image and also one to make the detector with"))
    #expect(!FileManager.default.fileExists(atPath: folder("x.h5")))
  }

  /// An encoder's file of the other precision is refused before the work, by both commands.
  @Test func anEncoderFileIsOfTheSamePrecision() throws {
    func files(_ command: String...) throws -> ToolRun { try ToolRun(list: command, folder: folder) }
    let refused = try files("quantize", "detector.h5", "--frames", "good", "-o", "a.h5", "--encoder-file", "encoder.h5")
    #expect(refused.status == 1 && !refused.errors.contains("reading"), "\(refused.errors)")
    #expect(refused.errors.contains("encoder.h5: it holds an encoder of float32, and the detector's will be of int8"))
    let trained = try files(
      "train", "encoder.h5", "good", "-o", "a.h5", "--precision", "int8", "--input-size", "64", "--encoder-file",
      "encoder.h5")
    #expect(trained.status == 1 && trained.errors.contains("will be of int8") && !trained.errors.contains("reading"))

    let first = try files("quantize", "detector.h5", "--frames", "good", "-o", "a.h5", "--encoder-file", "small.h5")
    #expect(first.status == 0, "\(first.errors)")
    // The same frames make the same encoder, others another one.
    let second = try files("quantize", "detector.h5", "--frames", "good", "-o", "b.h5", "--encoder-file", "small.h5")
    #expect(second.status == 0, "\(second.errors)")
    let third = try files("quantize", "detector.h5", "--frames", "new", "-o", "c.h5", "--encoder-file", "small.h5")
    #expect(third.status == 1 && third.errors.contains("small.h5: it holds another encoder than the detector's"))
    let float = try files(
      "train", "encoder.h5", "good", "-o", "c.h5", "--input-size", "64", "--encoder-file", "small.h5")
    #expect(float.status == 1 && float.errors.contains("of int8, and the detector's will be of float32"))
    let further = try files("calibrate", "b.h5", "new", "-o", "c.h5", "--encoder-file", "small.h5")
    #expect(further.status == 0, "\(further.errors)")
  }
}
