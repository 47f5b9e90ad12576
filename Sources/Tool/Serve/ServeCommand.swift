import ArgumentParser
import Basics
import ImageFiles
import LocalHTTP
import ModelFile
import Scoring

struct ServeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Show the last frames with their heat maps on a page of this machine, and choose the threshold there.",
    discussion: """
      Frames are those of a folder, the newest first and further ones as they appear, or those whose paths come on standard \
      input, one a line. The address of the page is printed; Ctrl-C ends it. A frame that cannot be read is shown as that.

      The page has a slider for the threshold. It shows at once which of the last frames would get another verdict, and what \
      share of good frames the threshold would reject, as the detector's calibration promises it. The detector with the chosen \
      threshold is written by a button: to a file beside it, to that of --output, or by --in-place over itself.

      Only this machine reaches the page, unless --host names another address of it. Whoever reaches it sees the frames; there \
      is no password. On an address that other machines reach nothing is written, unless --output or --in-place is given.

      Examples:

        cflowad serve detector.h5 /camera/today
        cflowad serve detector.h5 --stdin --port 8000
        cflowad serve detector.h5 /camera/today --output adjusted.h5 --frames 200
      """)

  @Argument(help: ArgumentHelp("Model file with a calibrated detector.", valueName: "detector.h5"))
  var model: String

  @Argument(help: ArgumentHelp("Folder in which frames appear.", valueName: "folder"))
  var folder: String?

  @Flag(help: "Read the paths of frames from standard input, one a line, in place of a folder.")
  var stdin = false

  @Option(help: ArgumentHelp("Number of the last frames that are kept, 1 to 1000.", valueName: "count"))
  var frames = 60

  @Option(help: ArgumentHelp("Port to listen on, 0 to 65535; 0: one that is free.", valueName: "number"))
  var port = 8470

  @Option(help: ArgumentHelp("Address to listen on: a name or number of this machine.", valueName: "host"))
  var host = "127.0.0.1"

  @Option(
    name: [.customShort("o"), .customLong("output")],
    help: ArgumentHelp(
      "Model file that the detector with the chosen threshold is written to; one that exists is replaced. (default: a name "
        + "of its own beside the detector)", valueName: "detector.h5"),
    completion: .file(extensions: ["h5"]))
  var output: String?

  @Flag(help: "Write the chosen threshold into the detector's own file.")
  var inPlace = false

  @OptionGroup var threads: ThreadCount

  func validate() throws {
    guard (folder == nil) == stdin else {
      throw ValidationError(stdin ? "--stdin takes the place of a folder" : "name a folder, or give --stdin")
    }
    guard (1...1000).contains(frames) else { throw ValidationError("the number of frames is not within 1...1000") }
    guard UInt16(exactly: port) != nil else { throw ValidationError("the port \(port) is not within 0...65535") }
    if inPlace, output != nil { throw ValidationError("--output and --in-place exclude each other") }
  }

  func run() throws {
    Interrupt.listen(to: SIGTERM)
    let detector = try ModelFile.detector(path: model)
    guard let calibration = detector.calibration else {
      throw Failure(.notCalibrated, "\(model): it is not calibrated and gives no scores; see cflowad calibrate")
    }
    let export = try ThresholdExport(model: model, output: inPlace ? model : output)
    var source: any FrameSource
    if let folder { source = try WatchedFolder(folder, limit: frames) } else { source = ListedFrames() }
    let line = LiveLine(limit: frames, calibration: calibration, identity: detector.identity)
    let scorer = try LiveScorer(detector, threadCount: threads.count)
    let title = detector.provenance["name"] ?? Folder(model).name.stem
    let pages = LivePages(
      line: line, title: title.shown, overlay: try scorer.overlay, source: source.text.shown, export: export)
    let server = try HTTPServer(host: host, port: port) { pages.answer($0) }
    defer { server.stop() }
    if !server.isLoopback {
      if output == nil, !inPlace { export.forbid() }
      Output.note("other machines may reach this page and see the frames; there is no password")
    }
    try Output.line(server.address)
    while !Interrupt.isPending {
      let found = source.next()
      line.setTrouble(found.trouble)
      for path in found.paths where !Interrupt.isPending {
        line.add(scorer.score(path, name: source.name(of: path).shown))
      }
    }
    Output.note("\(String(line.count, of: "frame")) shown, the page is closed")
  }
}
