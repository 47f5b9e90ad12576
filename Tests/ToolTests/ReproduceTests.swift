import Foundation
import Support
import Testing

@testable import cflowad

struct ReproduceTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    let detector = try detectorCase("lite0")
    try folder.writeModel("encoder.h5", detector, isEncoder: true)
    try makeMiniature(folder, of: detector)
  }

  private func arguments(_ results: String, _ more: String...) -> [String] {
    [
      "reproduce", "--data", "mvtec", "--encoder", "encoder.h5", "--results", results, "--input-size", "64", "--levels",
      "2", "--blocks", "2", "--meta-epochs", "4", "--sub-epochs", "2", "--rotation", "0",
    ] + more
  }

  private func record(_ path: String) throws -> RunRecord {
    try decodeJSON(RunRecord.self, Data(contentsOf: URL(filePath: folder(path))))
  }

  @Test func theTableHasLastAndBestEpochOfSeveralSeeds() throws {
    let arguments = arguments("runs", "--class", "bottle", "cable", "--seeds", "3", "4")
    let run = try ToolRun(list: arguments, folder: folder)
    #expect(run.status == 0, "\(run.errors)")
    try #require(
      run.lines.map { $0.split(separator: " ").first } == ["IMAGE", "CLASS", "bottle", "cable", "average"])
    #expect(run.lines[2].contains("64x64") && run.lines[2].contains("98.98"))
    #expect(run.errors.contains("are wide_resnet50_2's, not efficientnet_lite0's"))

    let records = try [3, 4].map { try record("runs/bottle-seed\($0).json") }
    #expect(records.allSatisfy { $0.isFinished && $0.epochs.map(\.epoch) == [0, 1, 2, 3] })
    #expect(records[0].epochs != records[1].epochs)
    let spread = ReproductionTable.Spread(records.map { $0.last(\.pixelAUROC) })
    #expect(run.lines[2].contains(spread.text) && spread.text.contains("+-"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder("runs")).count == 4)

    // What is finished is not done again, and gives the same table.
    let again = try ToolRun(list: arguments, folder: folder)
    #expect(again.output == run.output)
    #expect(again.errors.contains("cable, seed 4: finished already") && !again.errors.contains("training"))

    let other = try ToolRun(list: arguments + ["--blocks", "1"], folder: folder)
    #expect(other.status == 64 || other.errors.contains("made with other settings"))
  }

  @Test func aKilledRunGoesOnToTheSameNumbers() throws {
    #expect(try ToolRun(list: arguments("whole", "--class", "cable"), folder: folder).status == 0)
    let process = ToolRun.process(arguments("killed", "--class", "cable"), folder)
    let errors = Pipe()
    process.standardError = errors
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    var text = ""
    while !text.contains("epoch 1/4:"), case let data = errors.fileHandleForReading.availableData, !data.isEmpty {
      text += String(decoding: data, as: UTF8.self)
    }
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()

    let run = try ToolRun(list: arguments("killed", "--class", "cable"), folder: folder)
    #expect(run.status == 0, "\(run.errors)")
    #expect(try record("killed/cable-seed0.json") == record("whole/cable-seed0.json"))
  }

  @Test func thePublishedNumbersHaveThePublishedMeans() {
    let lines = PublishedLine.mvtec
    #expect(lines.count == 15)
    for (value, mean) in [(\PublishedLine.imageAUROC, 98.26), (\.pixelAUROC, 98.62), (\.auproPaper, 94.60)] {
      #expect(abs(lines.reduce(0) { $0 + $1[keyPath: value] } / 15 - mean) < 0.01)
    }
    #expect(Dictionary(grouping: lines, by: \.inputSize).mapValues(\.count) == [128: 1, 256: 5, 512: 9])
  }

  @Test func lastBestAndSpread() {
    let settings = RunRecord.Settings(
      encoder: "a", width: 1, height: 1, levels: 1, blocks: 1, metaEpochs: 3, subEpochs: 1, batch: 1, learningRate: 1,
      rotation: 0, seed: 0, trainingImages: 1, testImages: 1)
    var record = RunRecord(name: "a", settings: settings)
    for (epoch, value) in [(0, 0.5), (1, 0.9), (2, 0.1), (1, 0.8), (2, 0.6)] {
      record.add(Measures(imageAUROC: value), epoch: epoch)
    }
    #expect(record.isFinished)
    #expect(record.last(\.imageAUROC) == 0.6 && record.best(\.imageAUROC) == 0.8)
    #expect(record.best(\.pixelAUROC) == nil)
    let spread = ReproductionTable.Spread([0.5, 0.75, 1.0])
    #expect(spread.mean == 0.75 && spread.deviation == 0.25)
    #expect(ReproductionTable.Spread([0.5]).text == "50.00")
    #expect(ReproductionTable.Spread([0.5, nil]).text == "-")
  }
}
