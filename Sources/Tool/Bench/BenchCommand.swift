import ArgumentParser
import Basics
import Execution
import Imaging
import Kernels
import ModelFile
import Scoring

struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Time a detector on this machine, stage by stage.",
    discussion: """
      Scores a frame of noise again and again, and measures each stage of its way, and the whole. Printed are the milliseconds that \
      50, 90 and 99 % of the frames stayed within. Close other programs first.

      Examples:

        cflowad bench detector.h5
        cflowad bench detector.h5 --threads 1 --frames 500 --frame-size 1920x1080
        cflowad bench detector.h5 --batch 8
        cflowad bench detector.h5 --json
      """)

  @Argument(help: ArgumentHelp("Model file with a detector.", valueName: "detector.h5"))
  var model: String

  @OptionGroup var threads: ThreadCount

  @Option(help: ArgumentHelp("Frames to score, 1 to 100000, after a few to warm up.", valueName: "count"))
  var frames = 100

  @Option(
    help: ArgumentHelp(
      "Size of the frame in pixels: one number for a square, or 1920x1080 for width and height, each side up "
        + "to 65535. (default: the network's, or a tile's)", valueName: "size"))
  var frameSize: InputSize?

  @Option(
    help: ArgumentHelp(
      "Measure batches of so many frames too, 2 to 1000: their frames are shared out to the threads. (default: none)",
      valueName: "count"))
  var batch: Int?

  @Flag(help: "Print one JSON object instead of a table.")
  var json = false

  func validate() throws {
    guard (1...100_000).contains(frames) else { throw ValidationError("\(frames) frames are not within 1...100000") }
    if let batch, !(2...1000).contains(batch) { throw ValidationError("a batch of \(batch) is not within 2...1000") }
    let sides = 1...Frame.maximumSide
    if let frameSize, !sides.contains(frameSize.width) || !sides.contains(frameSize.height) {
      throw ValidationError("the frame size \(frameSize.defaultValueDescription) is not within \(sides) pixels")
    }
  }

  func run() throws {
    Interrupt.listen()
    let detector = try ModelFile.detector(path: model)
    let input = detector.preprocessing
    let (width, height) = (
      frameSize?.width ?? input.tiling?.width ?? input.width, frameSize?.height ?? input.tiling?.height ?? input.height
    )
    let threads = threads.count == 0 ? Workers.processorCount : threads.count
    let stages = try BenchReport.stages(
      detector, frameWidth: width, frameHeight: height, frameCount: frames, batchCount: batch ?? 1,
      threadCount: threads)
    let report = BenchReport(
      file: model, architecture: detector.encoderDescription.architecture,
      input: .init(width: input.width, height: input.height), frame: .init(width: width, height: height),
      frames: frames, threads: threads, kernels: Kernels.build.summary, stages: stages)
    try Output.line(json ? cflowad.json(report, isIndented: true) : report.text)
  }
}

/// What `cflowad bench` tells. The property names, in snake case, are those of the JSON object.
struct BenchReport: Codable {
  struct Size: Codable {
    var width: Int
    var height: Int
  }

  /// Percentiles of a stage's milliseconds, to four significant digits.
  struct Stage: Codable {
    var name: String
    var p50: Double
    var p90: Double
    var p99: Double
  }

  var file: String
  var architecture: String
  /// The size of the network's input.
  var input: Size
  var frame: Size
  var frames: Int
  var threads: Int
  /// The build of the inner loops that runs.
  var kernels: String
  /// The stages in their order, then the whole frame, and a frame of a batch if batches were measured.
  var stages: [Stage]

  var text: String {
    let table = Table(widths: [stages.reduce(5) { max($0, $1.name.count) }, 9, 9, 9])
    func row(_ name: String, _ values: String...) -> String {
      table.row(name, values[0].aligned(to: 9), values[1].aligned(to: 9), values[2].aligned(to: 9))
    }
    var lines = [
      "\(architecture) \(String(width: input.width, height: input.height)), "
        + "frame \(String(width: frame.width, height: frame.height)), "
        + "\(String(threads, of: "thread")), \(kernels) kernels, \(String(frames, of: "frame"))",
      row("MS", "P50", "P90", "P99"),
    ]
    for stage in stages {
      lines.append(
        row(
          stage.name, String(stage.p50, digits: 4), String(stage.p90, digits: 4), String(stage.p99, digits: 4)))
    }
    return lines.joined(separator: "\n")
  }
}
