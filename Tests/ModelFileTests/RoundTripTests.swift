import Basics
import Flows
import Foundation
import Imaging
import Scoring
import Testing

@testable import ModelFile

extension ModelFileTests {
  @Suite struct RoundTrip {
    @Test(arguments: FlowDescription.Permutation.allCases) func detectorsComeBack(
      permutation: FlowDescription.Permutation
    ) throws {
      let contents = try sample(permutation: permutation)
      expectEqual(try read(bytes(of: contents)), contents)
    }

    @Test func filesAndMemoryGiveTheSame() throws {
      let folder = try TemporaryFolder()
      let contents = try sample()
      try ModelFile.write(contents, to: folder.path("model.h5"))
      expectEqual(try ModelFile.read(path: folder.path("model.h5")), contents)
      #expect(try folder.names == ["model.h5"])
    }

    @Test func selfTestsAndDigestsComeBack() throws {
      var contents = try sample()
      for score in [Float?.none, 0.25] {
        contents.selfTest = try SelfTest(levels: [[-1.5, 2], [0.125]], score: score)
        let back = try read(bytes(of: contents))
        expectEqual(back, contents)
        #expect(try back.weightsDigest == contents.computedWeightsDigest())
      }
      // What another version computed of another frame is not known here.
      let strange = try Editor.edited {
        try $0.group("/self_test"); try $0.set("frame", of: "/self_test", "rings")
      }
      #expect(try read(strange).selfTest == nil)
    }

    @Test func partsMayBeAbsent() throws {
      var contents = try sample()
      contents.calibration = nil
      contents.provenance = [:]
      expectEqual(try read(bytes(of: contents)), contents)
      expectEqual(try read(bytes(of: encoderAlone())), try encoderAlone())
    }

    @Test func tilesComeBack() throws {
      var contents = try sample()
      contents.preprocessing = try Preprocessing(
        width: 64, height: 96, mean: [0, 0, 0], standardDeviation: [1, 1, 1],
        tiling: Tiling(width: 640, height: 480, overlap: 32))
      expectEqual(try read(bytes(of: contents)), contents)
    }

    @Test func resamplingsComeBack() throws {
      for resampling in Resampling.allCases {
        var contents = try sample()
        contents.preprocessing = try Preprocessing(
          width: 64, height: 96, mean: [0, 0, 0], standardDeviation: [1, 1, 1], resampling: resampling)
        expectEqual(try read(bytes(of: contents)), contents)
        #expect(try read(bytes(of: contents)).preprocessing.resampling == resampling)
      }
      // As docs/model-format.md says; the first is what older libraries write and read.
      #expect(
        Resampling.allCases.map { ModelFile.resamplingName($0) } == [
          "lanczos", "lanczos-pillow-12.2", "lanczos-pillow-13",
        ])
    }

    @Test func smoothingComesBackAsVersion3() throws {
      var contents = try sample()
      contents.preprocessing = try Preprocessing(
        width: 64, height: 96, mean: [0, 0, 0], standardDeviation: [1, 1, 1])
      #expect(try read(bytes(of: contents)).calibration?.smoothing == 0)
      #expect(ModelFile.formatVersion(of: contents) < 3)
      try contents.calibration?.setSmoothing(3.7)
      expectEqual(try read(bytes(of: contents)), contents)
      #expect(try read(bytes(of: contents)).calibration?.smoothing == 3.7)
      // A library that does not know of it would score otherwise.
      #expect(ModelFile.formatVersion(of: contents) == 3)
    }

    @Test func everyBitPatternSurvives() throws {
      var contents = try encoderAlone()
      let patterns: [UInt32] = [
        0x7fc0_0001, 0xffa0_0000, 0x7f80_0000, 0xff80_0000, 0x8000_0000, 1, 0x007f_ffff, 0x3f80_0001,
      ]
      contents.encoderWeights["odd"] = try Tensor(shape: [2, 4], values: patterns.map { Float(bitPattern: $0) })
      contents.encoderWeights["empty"] = try Tensor(shape: [0, 3], values: [])
      expectEqual(try read(bytes(of: contents)), contents)
    }

    @Test func tensorsOfSeveralChunksComeBack() throws {
      var contents = try encoderAlone()
      // Rows of 1.2 kB: 218 would fit a chunk of 256 KiB, so there are five of 201, the last not full.
      let values = (0..<1001 * 300).map { Float($0) }
      contents.encoderWeights["large"] = try Tensor(shape: [1001, 300], values: values)
      expectEqual(try read(bytes(of: contents)), contents)
    }

    /// HDF5 lets a dataset have several names.
    @Test func tensorsOfTheSameBytesAreIndependent() throws {
      let values = (0..<30000).map { Double($0) }
      let edited = try Editor.edited {
        try $0.dataset("/encoder/one", [300, 100], values: values)
        try $0.hardLink("/encoder/two", to: "/encoder/one")
      }
      var weights = try read(edited).encoderWeights
      weights["one"] = nil
      #expect(try weights["two"]?.values == values.map { Float($0) })
    }

    @Test func manyTextsComeBack() throws {
      var contents = try encoderAlone()
      for index in 0..<40 { contents.provenance["name \(index)"] = String(repeating: "wert ", count: index) }
      contents.provenance["long"] = String(repeating: "x", count: 60_000)
      expectEqual(try read(bytes(of: contents)), contents)
    }

    @Test func sameContentsGiveTheSameBytes() throws {
      #expect(try bytes(of: sample()) == bytes(of: sample()))
    }

    @Test func trainedFramesComeBack() throws {
      var contents = try sample()
      #expect(contents.trainedFrames.isEmpty)
      contents.trainedFrames = [0, 1, 1 << 53 + 1, .max, 0x8000_0000_0000_0000]
      #expect(try read(bytes(of: contents)).trainedFrames == contents.trainedFrames)
      #expect(try bytes(of: contents) == bytes(of: contents))
    }

    @Test func thresholdsComeBack() throws {
      var contents = try sample()
      var calibration = try #require(contents.calibration)
      try calibration.setReviewThreshold(0.25)
      try calibration.setDefectiveScores([0.75, 0.5])
      calibration.mapScale = try .init(threshold: 0.375, low: -0.5, high: 1.75)
      let mask = (0..<64 * 32).map { UInt8($0 % 3 == 0 ? 1 : 0) }
      calibration.regionOfInterest = try .init(width: 64, height: 32, mask: mask)
      contents.calibration = calibration
      expectEqual(try read(bytes(of: contents)), contents)
    }

    @Test func bothSidesComeBack() throws {
      for verdict in [Verdict.review, .reject] {
        var contents = try sample()
        try contents.calibration?.setLowSide(LowSide(threshold: 0.125, verdict: verdict))
        try contents.calibration?.setStrangeScores([.black: [0.0625], .noise: [.infinity], .dark: [1, 2, 0.5]])
        expectEqual(try read(bytes(of: contents)), contents)
      }
      // Files of before: nothing is known of strange frames, and low scores pass.
      let older = try #require(read(bytes(of: sample())).calibration)
      #expect(older.lowSide == nil && older.strangeScores.isEmpty)
    }

    @Test func whatAdviceNeedsComesBack() throws {
      var contents = try sample()
      let levels = contents.flowWeights.count
      let numbers = (0..<levels).map { -1.25 + Double($0) / 3 }
      for gains in [[], numbers] {
        let curve = try LearningCurve(halfCount: 12, fullCount: 24, half: numbers, full: numbers.map { $0 / 2 })
        contents.fit = try FitSummary(
          givenCount: 40, fittedCount: 36, curve: gains.isEmpty ? nil : curve, couplingGains: gains)
        var calibration = try #require(contents.calibration)
        try calibration.setLowSide(LowSide(threshold: 0.125, verdict: .review))
        try calibration.setStrangeScores([.black: [0.5], .blurred: [1, 2]], means: [.black: [.infinity]])
        try calibration.setMeanThreshold(0.75)
        try calibration.setWantedRate(0.01)
        try calibration.setLevelMeans(numbers.map { abs($0) })
        calibration.thresholdFrame = ThresholdFrame(index: 7, name: gains.isEmpty ? "" : "good/é 7.png")
        contents.calibration = calibration
        let file = try read(bytes(of: contents))
        expectEqual(file, contents)
        #expect(file.fit == contents.fit && file.calibration == calibration)
      }
      // Files of before 1.2.
      let older = try read(bytes(of: sample()))
      #expect(older.fit == nil && older.calibration?.thresholdFrame == nil && older.calibration?.wantedRate == nil)
    }

    /// Later versions may know more kinds.
    @Test func strangeFramesOfUnknownKindsAreSkipped() throws {
      let edited = try Editor.edited {
        try $0.group("/calibration/strange_frames")
        try $0.dataset("/calibration/strange_frames/black", [1], values: [0.25])
        try $0.dataset("/calibration/strange_frames/upside_down", [2], values: [0.25, .nan])
      }
      #expect(try read(edited).calibration?.strangeScores == [.black: [0.25]])
    }

    @Test func calibrationWithoutScoresComesBack() throws {
      var contents = try sample()
      contents.calibration = try .init(levelMaxima: [1, 2], total: 3, threshold: 4, scores: [])
      expectEqual(try read(bytes(of: contents)), contents)
    }
  }

  /// Files that h5py wrote, see Tests/Fixtures/make_model_files.py.
  @Suite struct PythonFiles {
    @Test(arguments: ["documented", "plain", "half_arrays", "double_big_endian"]) func detectorsAreRead(
      name: String
    ) throws {
      expectEqual(try ModelFile.read(path: fixture(name).path), try sample())
    }

    @Test func compressedEncoderIsRead() throws {
      expectEqual(try ModelFile.read(path: fixture("compressed").path), try encoderAlone())
      expectEqual(try read([UInt8](Data(contentsOf: fixture("compressed")))), try encoderAlone())
    }

    @Test func foreignFilterIsUnsupported() throws {
      let refusal = try #require(refused([UInt8](Data(contentsOf: fixture("lzf")))))
      #expect(refusal.kind == .unsupported)
      #expect(refusal.message.contains("filter"))
    }

    @Test func chunkThatSwellsIsRefused() throws {
      let refusal = try #require(refused([UInt8](Data(contentsOf: fixture("swollen")))))
      #expect(refusal.kind == .format)
      #expect(refusal.message.contains("/encoder/bn1.running_var: a chunk of its values has the wrong size"))
    }
  }
}
