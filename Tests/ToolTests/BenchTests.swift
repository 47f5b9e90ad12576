import Foundation
import Support
import Testing

@testable import cflowad

struct BenchTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    let detector = try detectorCase("lite0")
    try folder.writeModel("detector.h5", detector)
    try folder.writeModel("raw.h5", detector, isCalibrated: false)
  }

  private func report(_ arguments: String...) throws -> BenchReport {
    let run = try ToolRun(list: ["bench"] + arguments + ["--json"], folder: folder)
    #expect(run.status == 0 && run.errors.isEmpty)
    return try decodeJSON(BenchReport.self, run.output.utf8)
  }

  @Test func everyStageIsTimed() throws {
    let report = try report("detector.h5", "--frames", "5", "--threads", "2", "--frame-size", "50x40")
    #expect(
      report.stages.map(\.name) == ["resize", "normalize", "encoder", "flows", "map", "whole"])
    #expect(report.stages.allSatisfy { $0.p50 > 0 && $0.p50 <= $0.p90 && $0.p90 <= $0.p99 })
    for time in report.stages.flatMap({ [$0.p50, $0.p90, $0.p99] }) { #expect(time == time.rounded(toDigits: 4)) }
    #expect((report.frames, report.threads, report.frame.width, report.frame.height) == (5, 2, 50, 40))
    #expect(report.architecture == "efficientnet_lite0" && !report.kernels.isEmpty)
  }

  @Test func aBatchIsTimedByItsFrames() throws {
    let report = try report("detector.h5", "--frames", "2", "--threads", "2", "--batch", "3")
    #expect(report.stages.map(\.name).suffix(2) == ["whole", "in a batch"])
    #expect(report.stages.allSatisfy { $0.p50 > 0 })
  }

  @Test func withoutCalibrationThereIsNoMap() throws {
    let report = try report("raw.h5", "--frames", "1")
    #expect(report.stages.map(\.name).suffix(2) == ["flows", "whole"])
    #expect((report.frame.width, report.frame.height) == (report.input.width, report.input.height))
  }

  @Test func theTableHasTheStages() throws {
    let run = try ToolRun("bench", "detector.h5", "--frames", "2", "--threads", "1", folder: folder)
    #expect(run.status == 0)
    #expect(
      run.output.starts(with: #/efficientnet_lite0 [0-9]+x[0-9]+, frame [0-9]+x[0-9]+, 1 thread, /#), "\(run.output)")
    #expect(run.lines[1].split(separator: " ") == ["MS", "P50", "P90", "P99"])
    #expect(run.lines.count == 8)
  }

  @Test(arguments: [
    ["--frames", "0"], ["--frame-size", "0x9"], ["--frame-size", "9x70000"], ["--frame-size", "9x"],
    ["--threads", "300"], ["--batch", "1"], ["--batch", "1001"],
  ])
  func optionsOutOfRangeAreRefused(options: [String]) throws {
    #expect(try ToolRun(list: ["bench", "detector.h5"] + options, folder: folder).status == 64)
  }
}
