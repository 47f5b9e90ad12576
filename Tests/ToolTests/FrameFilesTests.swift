import Basics
import Foundation
import PNG
import Support
import Testing

@testable import cflowad

/// Which files the commands take for frames, and what they say of the others.
struct FrameFilesTests {
  private let folder: TemporaryFolder
  private let detector: DetectorFixture.DetectorCase

  init() throws {
    folder = try TemporaryFolder()
    detector = try detectorCase("lite0")
    try folder.writeModel("detector.h5", detector)
  }

  private func scores(_ arguments: String...) throws -> (run: ToolRun, frames: [ScoredFrame]) {
    let run = try ToolRun(list: ["score", "detector.h5"] + arguments + ["--format", "json"], folder: folder)
    return (run, try run.lines.map { try decodeJSON(ScoredFrame.self, $0.utf8) })
  }

  private func image(_ name: String) -> URL {
    URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "ImageFilesTests/Fixtures/\(name)")
  }

  @Test func framesBesideAFolderGoodAreScored() throws {
    try folder.makeFolder("today/good")
    try folder.makeFolder("today/train/good")
    try folder.writeFrame("today/a.png", 0, of: detector)
    try folder.writeFrame("today/good/b.png", 1, of: detector)
    try folder.writeFrame("today/train/good/c.png", 1, of: detector)
    let (run, frames) = try scores("today")
    #expect(run.status == 0)
    #expect(frames.map(\.file) == ["today/a.png"])
    #expect(run.errors.contains("cflowad: today: 2 images in the folders good, train within it left out"))
    let both = try scores("today", "today/good/", "today/train/good").run
    #expect(both.status == 0 && both.lines.count == 3)
    #expect(both.errors.contains("cflowad: today: 1 image in the folders train within it left out"))

    try FileManager.default.removeItem(atPath: folder("today/a.png"))
    try FileManager.default.removeItem(atPath: folder("today/good"))
    try FileManager.default.removeItem(atPath: folder("today/train/good"))
    try folder.makeFolder("today/monday")
    try folder.writeFrame("today/monday/a.png", 0, of: detector)
    let empty = try scores("today").run
    #expect(empty.status == 1)
    #expect(empty.errors.contains("no images in this folder, but 1 in the folders monday: name these"))
  }

  @Test func whatLooksLikeAnImageIsTried() throws {
    try folder.makeFolder("in")
    for (from, to) in [
      ("gray.jpg", "a.jfif"), ("lossless.webp", "b.webp"), ("gray.pgm", "c.pgm"),
      ("refused-unsupported-gif.gif", "d.gif"),
      ("refused-unsupported-pages.tif", "e.tif"),
    ] { try FileManager.default.copyItem(at: image(from), to: URL(filePath: folder("in/\(to)"))) }
    let (run, frames) = try scores("in")
    #expect(run.status == 1)
    #expect(frames.map(\.file) == ["in/a.jfif", "in/b.webp", "in/c.pgm"])
    #expect(run.errors.contains("in/d.gif: GIF images are not read"))
    #expect(run.errors.contains("in/e.tif: the file has 2 pages"))
  }

  @Test func aFileHasOneNameWhateverItsPath() throws {
    try folder.writeFrame("a.png", 0, of: detector)
    #expect(try scores("a.png", "./a.png", folder("a.png")).frames.count == 1)
  }

  @Test func namesThatAreNotUTF8() throws {
    try folder.makeFolder("in")
    try folder.writeFrame("in/a.png", 0, of: detector)
    try folder.writeFrame("in/b.png", 1, of: detector)
    let path =
      folder("in/").pathBytes.dropLast() + [0x70, 0x72, CChar(bitPattern: 0xfc), 0x66, 0x2e, 0x70, 0x6e, 0x67, 0]
    #expect(rename(folder("in/b.png"), Array(path)) == 0)
    let (run, frames) = try scores("in", "--maps", "heat")
    #expect(run.status == 0, "\(run.errors)")
    #expect(frames.map(\.file) == ["in/a.png", "in/pr\\xfcf.png"])
    #expect(access(folder("heat/").pathBytes.dropLast() + path.dropFirst(folder("in/").utf8.count), F_OK) == 0)
    // A name on the command line, through a shell, since Foundation's arguments are text.
    let process = Process()
    process.executableURL = URL(filePath: "/bin/sh")
    let tool = Bundle.main.bundleURL.appending(path: "cflowad").path
    process.arguments = ["-c", "exec '\(tool)' score detector.h5 in/pr*.png --format csv > out.csv 2> /dev/null"]
    process.currentDirectoryURL = URL(filePath: folder.path)
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    #expect(try String(contentsOfFile: folder("out.csv"), encoding: .utf8).contains("in/pr\\xfcf.png,"))
  }

  @Test func heatMapsHaveNamesOfTheirOwn() throws {
    try folder.makeFolder("in")
    let gray = image("gray.jpg")
    for name in ["a.jpg", "b.jpg", "b.jpg.2.jpg"] {
      try FileManager.default.copyItem(at: gray, to: URL(filePath: folder("in/\(name)")))
    }
    // Its heat map's name is that of a.jpg's.
    try folder.writeFrame("in/a.jpg.png", 0, of: detector)
    #expect(try scores("in", "--maps", "heat").run.status == 0)
    let maps = try FileManager.default.contentsOfDirectory(atPath: folder("heat")).sorted()
    #expect(maps == ["a.jpg.2.png", "a.jpg.png", "b.jpg.2.jpg.png", "b.jpg.png"])
    #expect(try PNG.read(path: folder("heat/a.jpg.png")).width == detector.frame_width)
    #expect(try PNG.read(path: folder("heat/a.jpg.2.png")).width == 23)
  }

  /// A file of more than 8 bits goes through the window, as a camera's frame does: a part whose samples are a sixteenth of
  /// the scale is the same as one of 8 bits.
  @Test func theWindowAppliesToFiles() throws {
    let small = [
      "--input-size", "64", "--levels", "1", "--blocks", "1", "--meta-epochs", "1", "--sub-epochs", "1", "--rotation",
      "0",
    ]
    try folder.writeModel("encoder.h5", detector, isEncoder: true)
    try folder.makeFolder("eight")
    try folder.makeFolder("twelve")
    let (width, height) = (detector.frame_width, detector.frame_height)
    for index in 0..<4 {
      let pixels = detector.frame(index)
      try folder.writeFrame("eight/\(index).png", index, of: detector)
      // Of 0...4080 of 65535, which --window 0 0.062257 (4080 / 65535) makes 0...255 again.
      var file = Array("P6 \(width) \(height) 65535\n".utf8)
      for pixel in pixels { file += [UInt8((Int(pixel) * 16) >> 8), UInt8((Int(pixel) * 16) & 255)] }
      try Data(file).write(to: URL(filePath: folder("twelve/\(index).ppm")))
    }
    let window = ["--window", "0", "0.06225681"]
    for (name, options) in [("eight", []), ("twelve", window), ("dark", [])] {
      let run = try ToolRun(
        list: ["train", "encoder.h5", name == "dark" ? "twelve" : name, "-o", "\(name).h5"] + small + options,
        folder: folder)
      #expect(run.status == 0, "\(run.errors)")
    }
    func score(_ model: String, _ file: String) throws -> Float {
      let run = try ToolRun("score", model, file, "--format", "json", folder: folder)
      return try decodeJSON(ScoredFrame.self, run.output.utf8).score
    }
    let expected = try score("eight.h5", "eight/1.png")
    let windowed = try score("twelve.h5", "twelve/1.ppm")
    #expect(windowed == expected)
    #expect(try score("dark.h5", "twelve/1.ppm") != expected)
    #expect(
      try ToolRun("info", "twelve.h5", folder: folder).output.contains("0.06225681 of samples of more than 8 bits"))
  }
}

/// What evaluate does about data sets that are not whole.
struct DamagedSetTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    let detector = try detectorCase("lite0")
    try folder.writeModel("detector.h5", detector)
    try makeMiniature(folder, of: detector)
    try folder.writeFrame("mvtec/cable/test/spot/001.png", 6, of: detector)
    try FileManager.default.copyItem(
      atPath: folder("mvtec/cable/ground_truth/spot/000_mask.png"),
      toPath: folder("mvtec/cable/ground_truth/spot/001_mask.png"))
  }

  private func evaluate() throws -> (run: ToolRun, summary: EvaluationSummary?) {
    let run = try ToolRun("evaluate", "detector.h5", "--data", "mvtec/cable", "--json", "out.json", folder: folder)
    let data = try? Data(contentsOf: URL(filePath: folder("out.json")))
    return (run, try data.map { try decodeJSON(EvaluationSummary.self, $0) })
  }

  @Test func aDamagedImageIsLeftOut() throws {
    try Data("no image".utf8).write(to: URL(filePath: folder("mvtec/cable/test/spot/000.png")))
    let (run, summary) = try evaluate()
    #expect(run.status == 1)
    #expect(run.errors.contains("mvtec/cable/test/spot/000.png: not a PNG") && run.errors.contains(": left out"))
    let result = try #require(summary?.classes.first)
    #expect(result.images.map(\.file).count == 3 && result.defective == 1 && result.good == 2)
    #expect(result.hasMasks && result.paper.imageAUROC != nil && result.paper.pixelAUROC != nil)
  }

  @Test func soIsAnImageWhoseMaskIsLost() throws {
    try FileManager.default.removeItem(atPath: folder("mvtec/cable/ground_truth/spot/000_mask.png"))
    let (run, summary) = try evaluate()
    #expect(run.status == 1)
    #expect(run.errors.contains("mvtec/cable/ground_truth/spot: there is no mask of 000.png: left out"))
    #expect(summary?.classes.first?.images.count == 3)
  }

  @Test(arguments: ["good", "spot"]) func aSetWithoutOneKindSaysSo(kind: String) throws {
    for name in try FileManager.default.contentsOfDirectory(atPath: folder("mvtec/cable/test/\(kind)")) {
      try FileManager.default.removeItem(atPath: folder("mvtec/cable/test/\(kind)/\(name)"))
    }
    let (run, summary) = try evaluate()
    #expect(run.status == 1)
    #expect(run.errors.contains("cable: there are no \(kind == "good" ? "good" : "defective") test images"))
    #expect(run.errors.contains("mvtec/cable/test/\(kind) holds no images"))
    #expect(summary?.classes.first?.paper.imageAUROC == nil)
    #expect(run.lines.count == 3)
  }

  @Test func oddMasksAreNamed() throws {
    for (name, value) in [("000", UInt8(0)), ("001", 255)] {
      let pixels = [UInt8](repeating: value, count: 32 * 32)
      try PNG.write(
        path: folder("mvtec/cable/ground_truth/spot/\(name)_mask.png"), pixels: pixels, width: 32, height: 32,
        stride: 32,
        channels: 1)
    }
    let run = try evaluate().run
    #expect(run.status == 0)
    #expect(run.errors.contains("spot/000.png: by its mask no pixel is defective"))
    #expect(run.errors.contains("spot/001.png: by its mask more than half of it is defective"))
  }

  /// Examples of defective parts are not the set's good images.
  @Test func defectiveExamplesAreDefective() throws {
    let run = try ToolRun(
      "calibrate", "detector.h5", "mvtec/cable", "--defective", "mvtec/cable", "--threshold-rule", "f1", "-o", "new.h5",
      folder: folder)
    #expect(run.status == 0, "\(run.errors)")
    #expect(try ToolRun("info", "new.h5", folder: folder).output.contains("and 2 defective frames"))
  }
}
