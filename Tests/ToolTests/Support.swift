import Basics
import Foundation
import Imaging
import ModelFile
import PNG
import Scoring
import Support
import Testing

/// A folder of its own for a test, removed with the object.
final class TemporaryFolder {
  let path: String

  init() throws {
    let url = FileManager.default.temporaryDirectory.appending(path: "cflowad-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    path = url.path
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func callAsFunction(_ name: String) -> String { "\(path)/\(name)" }

  func makeFolder(_ name: String) throws {
    try FileManager.default.createDirectory(atPath: self(name), withIntermediateDirectories: true)
  }

  /// Writes frame `index` of a detector case as a PNG file.
  func writeFrame(_ name: String, _ index: Int, of detector: DetectorFixture.DetectorCase) throws {
    let (width, height) = (detector.frame_width, detector.frame_height)
    try detector.frame(index).withUnsafeBufferPointer { pixels in
      try PNG.write(
        path: self(name), pixels: #require(pixels.baseAddress), width: width, height: height, stride: 3 * width,
        channels: 3)
    }
  }

  /// Writes the model file of a detector case, or of its encoder alone.
  func writeModel(
    _ name: String, _ detector: DetectorFixture.DetectorCase, isEncoder: Bool = false, isCalibrated: Bool = true
  ) throws {
    var contents = try detector.contents()
    if isEncoder { (contents.flow, contents.flowWeights) = (nil, []) }
    if isEncoder || !isCalibrated { contents.calibration = nil }
    try ModelFile.write(contents, to: self(name))
  }
}

func detectorCase(_ name: String) throws -> DetectorFixture.DetectorCase {
  try #require(try DetectorFixture.load().detectors.first { $0.case == name })
}

/// The tool as users have it: another process.
struct ToolRun {
  let status: Int32
  let output: String
  let errors: String

  var lines: [String] { output.split(separator: "\n").map { String($0) } }

  @discardableResult
  init(_ arguments: String..., folder: TemporaryFolder) throws {
    try self.init(list: arguments, folder: folder)
  }

  init(list arguments: [String], folder: TemporaryFolder) throws {
    let process = Self.process(arguments, folder)
    let (output, errors) = (folder(".stdout"), folder(".stderr"))
    for path in [output, errors] { try Data().write(to: URL(filePath: path)) }
    process.standardOutput = try FileHandle(forWritingTo: URL(filePath: output))
    process.standardError = try FileHandle(forWritingTo: URL(filePath: errors))
    try process.run()
    process.waitUntilExit()
    status = process.terminationStatus
    self.output = try String(contentsOfFile: output, encoding: .utf8)
    self.errors = try String(contentsOfFile: errors, encoding: .utf8)
  }

  /// The executable stands beside the tests'.
  static func process(_ arguments: [String], _ folder: TemporaryFolder) -> Process {
    let process = Process()
    process.executableURL = Bundle.main.bundleURL.appending(path: "cflowad")
    process.arguments = arguments
    process.currentDirectoryURL = URL(filePath: folder.path)
    return process
  }
}
