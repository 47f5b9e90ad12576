import Foundation
import PNG
import Support
import Testing

@testable import cflowad

struct ScoreTests {
  private let folder: TemporaryFolder
  private let detector: DetectorFixture.DetectorCase

  /// A model and the fixture's frames 0, 1 in `frames`, 2 beside it.
  init() throws {
    folder = try TemporaryFolder()
    detector = try detectorCase("lite0")
    try folder.writeModel("detector.h5", detector)
    try folder.makeFolder("frames")
    try folder.writeFrame("frames/b.png", 0, of: detector)
    try folder.writeFrame("frames/a.PNG", 1, of: detector)
    try folder.writeFrame("c.png", 2, of: detector)
    try Data("no image".utf8).write(to: URL(filePath: folder("frames/notes.txt")))
  }

  private func frames(_ run: ToolRun) throws -> [ScoredFrame] {
    try run.lines.map { try decodeJSON(ScoredFrame.self, $0.utf8) }
  }

  @Test func jsonLinesHoldTheExpectedScores() throws {
    let run = try ToolRun("score", "detector.h5", "frames", "c.png", "c.png", "--format", "json", folder: folder)
    #expect(run.status == 0)
    #expect(run.errors.isEmpty)
    let frames = try frames(run)
    #expect(frames.map(\.file) == ["c.png", "frames/a.PNG", "frames/b.png"])
    for (frame, index) in zip(frames, [2, 1, 0]) {
      expectClose(frame.score, detector.results[index].score, within: 1e-4)
      #expect(frame.threshold == Float(detector.threshold))
      #expect(frame.verdict == (detector.results[index].score > detector.threshold ? .reject : .pass))
      #expect(frame.milliseconds > 0 && frame.milliseconds == frame.milliseconds.rounded(toDigits: 4))
    }
    #expect(frames.map(\.verdict).contains(.reject) && frames.map(\.verdict).contains(.pass))
  }

  @Test func theTableIsSortedAndRejectionIsNoFailure() throws {
    let run = try ToolRun("score", "detector.h5", "frames/", "c.png", folder: folder)
    #expect(run.status == 0)
    let rows = run.lines.map { $0.split(separator: " ").map { String($0) } }
    #expect(rows.map(\.first) == ["FILE", "c.png", "frames/a.PNG", "frames/b.png"])
    #expect(rows.map(\.last) == ["VERDICT", "pass", "reject", "pass"])
    #expect(
      Set(run.lines.map { $0.distance(from: $0.startIndex, to: $0.lastIndex(of: " ") ?? $0.endIndex) }).count == 1)
    #expect(run.errors.contains("3 frames scored, 1 rejected (threshold"))
  }

  @Test func theThresholdCanBeChosen() throws {
    let run = try ToolRun(
      "score", "detector.h5", "frames", "--threshold", "0.1", "--format", "json", folder: folder)
    #expect(try frames(run).allSatisfy { $0.verdict == .reject && $0.threshold == 0.1 })
  }

  @Test func regionsAreListed() throws {
    let run = try ToolRun(
      "score", "detector.h5", "frames", "--pixel-threshold", "0.2", "--regions", "2", "--format", "json", folder: folder
    )
    #expect(run.status == 0, "\(run.errors)")
    for frame in try frames(run) {
      let regions = try #require(frame.regions)
      #expect(regions.count >= regions.list.count && (1...2).contains(regions.list.count))
      #expect(regions.list.allSatisfy { $0.contour == nil && $0.peak > 0.2 && $0.peak <= frame.score })
    }
    let drawn = try ToolRun(
      "score", "detector.h5", "frames", "--pixel-threshold", "0.2", "--regions", "2", "--format", "json", "--contours",
      folder: folder)
    #expect(try self.frames(drawn).flatMap { $0.regions?.list ?? [] }.allSatisfy { $0.contour?.count ?? 0 >= 4 })
    for options in [["--contours"], ["--contours", "--regions", "2"]] {
      #expect(try ToolRun(list: ["score", "detector.h5", "frames"] + options, folder: folder).status == 64)
    }
  }

  @Test func namesInJSONAreThoseInCSV() throws {
    let run = try ToolRun(
      "score", "detector.h5", "c.png", "--format", "json", "--regions", "1", "--pixel-threshold", "0.2", folder: folder)
    let object = try #require(JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any])
    let columns = Set(ScoredFrame.csvHead(withRegions: false).split(separator: ",").map { String($0) })
    #expect(Set(object.keys).subtracting(["regions"]).isSubset(of: columns) && object["review_threshold"] != nil)
    let regions = try #require(object["regions"] as? [String: Any])
    let keys = try #require((regions["list"] as? [[String: Any]])?.first).keys
    #expect(keys.contains("peak_pixel") && keys.allSatisfy { $0 == $0.lowercased() })
  }

  @Test func regionsAreInTableAndCSVToo() throws {
    let arguments = ["score", "detector.h5", "frames", "--pixel-threshold", "0.2", "--regions", "2", "--format"]
    let frames = try frames(ToolRun(list: arguments + ["json"], folder: folder))
    let regions = frames.flatMap { frame in (frame.regions?.list ?? []).map { (frame.file, $0) } }
    try #require(!regions.isEmpty)

    let csv = try ToolRun(list: arguments + ["csv"], folder: folder).lines
      .map { $0.split(separator: ",", omittingEmptySubsequences: false) }
    #expect(csv.first?.suffix(12).first == "x" && csv.first?.last == "region_p_value")
    #expect(csv.count == 1 + regions.count)
    for (cells, (file, region)) in zip(csv.dropFirst(), regions) {
      #expect(cells.first.map { String($0) } == file)
      #expect(
        cells.dropFirst(cells.count - 12).prefix(5).compactMap { Int($0) }
          == [region.x, region.y, region.width, region.height, region.area])
    }
    let table = try ToolRun(list: arguments + ["table"], folder: folder).output
    for (_, region) in regions {
      let size = "  \(region.width)x\(region.height) pixels"
      #expect(table.contains("\(size) at \(region.x),\(region.y), area \(region.area) "))
    }
  }

  @Test func csvHasALineForEachFrame() throws {
    try folder.writeFrame("frames/with, comma.png", 2, of: detector)
    let arguments = ["score", "detector.h5", "frames", "--pixel-threshold", "0.2", "--format"]
    let run = try ToolRun(list: arguments + ["csv"], folder: folder)
    #expect(run.status == 0)
    #expect(run.errors.isEmpty)
    #expect(
      run.lines.first
        == "file,score,p_value,threshold,review_threshold,verdict,milliseconds,region_count,low_p_value,low_threshold,"
        + "map_mean,mean_threshold")
    let objects = try frames(ToolRun(list: arguments + ["json", "--regions", "1"], folder: folder))
    for (line, object) in zip(run.lines.dropFirst(), objects) {
      let cells = line.split(separator: ",", omittingEmptySubsequences: false)
      let expected = [
        "\(object.score)", object.pValue.map { "\($0)" } ?? "", "\(object.threshold)", "\(object.reviewThreshold)",
        "\(object.verdict)",
      ]
      #expect(cells.dropFirst(cells.count - 11).prefix(5).map { String($0) } == expected)
      #expect(Int(cells[cells.count - 5]) == object.regions?.count)
      let rest = [object.lowPValue, object.lowThreshold, object.mapMean, object.meanThreshold]
      #expect(cells.suffix(4).map { String($0) } == rest.map { $0.map { "\($0)" } ?? "" })
    }
    #expect(run.lines.count == 4 && objects.count == 3)
    #expect(run.lines.last?.hasPrefix("\"frames/with, comma.png\",") == true)
  }

  @Test func whatCannotBeReadIsReportedAndTheRestScored() throws {
    try Data("no image".utf8).write(to: URL(filePath: folder("frames/bad.png")))
    try folder.makeFolder("empty")
    let run = try ToolRun(
      "score", "detector.h5", "frames", "missing.png", "empty", "--format", "json", folder: folder)
    #expect(run.status == 1)
    #expect(try frames(run).map(\.file) == ["frames/a.PNG", "frames/b.png"])
    let errors = run.errors.split(separator: "\n")
    #expect(errors.count == 3)
    for (error, file) in zip(errors, ["missing.png", "empty", "frames/bad.png"]) {
      #expect(error.hasPrefix("cflowad: \(file): "))
    }
  }

  @Test func modelsThatGiveNoScoresAreRefused() throws {
    try folder.writeModel("encoder.h5", detector, isEncoder: true)
    try folder.writeModel("uncalibrated.h5", detector, isCalibrated: false)
    for model in ["encoder.h5", "uncalibrated.h5", "c.png", "missing.h5"] {
      let run = try ToolRun("score", model, "c.png", folder: folder)
      #expect(run.status == 1)
      #expect(run.output.isEmpty)
      #expect(run.errors.hasPrefix("cflowad: \(model): "))
      #expect(run.errors.split(separator: "\n").count == 1)
    }
  }

  @Test func heatMapsHaveTheFramesPathsAndSizes() throws {
    let run = try ToolRun("score", "detector.h5", "frames", "c.png", "--maps", "heat/new", folder: folder)
    #expect(run.status == 0)
    let bare = try PNG.read(path: folder("heat/new/frames/b.png"))
    #expect((bare.width, bare.height) == (detector.frame_width, detector.frame_height))
    #expect(FileManager.default.fileExists(atPath: folder("heat/new/c.png")))

    try ToolRun(
      "score", "detector.h5", "frames/b.png", "--maps", "over", "--overlay", "--pixel-threshold", "0.1", folder: folder)
    let overlay = try PNG.read(path: folder("over/b.png"))
    let frame = try PNG.read(path: folder("frames/b.png"))
    #expect(overlay.pixels.count == frame.pixels.count)
    #expect(overlay != bare)
    #expect(overlay != frame)
    // The contour is cyan.
    #expect(stride(from: 0, to: overlay.pixels.count, by: 3).contains { overlay.pixels[$0..<$0 + 3] == [0, 255, 255] })
  }

  @Test func otherKindsOfImagesAreScoredToo() throws {
    let images = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "ImageFilesTests/Fixtures")
    try folder.makeFolder("mixed")
    for name in ["ycc-420.jpg", "gray16.tif", "rgb.bmp"] {
      try FileManager.default.copyItem(at: images.appending(path: name), to: URL(filePath: folder("mixed/\(name)")))
    }
    let run = try ToolRun("score", "detector.h5", "mixed", "--format", "json", "--maps", "heat", folder: folder)
    #expect(run.status == 0, "\(run.errors)")
    #expect(try frames(run).map(\.file) == ["mixed/gray16.tif", "mixed/rgb.bmp", "mixed/ycc-420.jpg"])
    #expect(try PNG.read(path: folder("heat/ycc-420.jpg.png")).width == 23)
  }

  @Test func aFolderForHeatMapsIsCheckedBeforeTheWork() throws {
    let run = try ToolRun("score", "detector.h5", "frames", "--maps", "frames/notes.txt/heat", folder: folder)
    #expect(run.status == 1 && run.output.isEmpty)
    #expect(run.errors == "cflowad: frames/notes.txt: the folder cannot be made\n")
  }

  @Test func heatMapsNeverReplaceFrames() throws {
    let before = try Data(contentsOf: URL(filePath: folder("frames/b.png")))
    let run = try ToolRun("score", "detector.h5", "frames", "--maps", "frames/../frames", folder: folder)
    #expect(run.status == 1)
    #expect(run.errors.contains("would replace a frame"))
    #expect(try Data(contentsOf: URL(filePath: folder("frames/b.png"))) == before)
  }
}
