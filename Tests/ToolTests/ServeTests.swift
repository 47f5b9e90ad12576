import Foundation
import Scoring
import Support
import Testing

@testable import cflowad

struct ServeTests {
  private let folder: TemporaryFolder
  private let detector: DetectorFixture.DetectorCase

  init() throws {
    folder = try TemporaryFolder()
    detector = try detectorCase("lite0")
  }

  /// Writes a file that was last changed so many seconds ago.
  private func write(_ name: String, secondsAgo: Double, _ text: String = "x") throws {
    try Data(text.utf8).write(to: URL(filePath: folder(name)))
    try FileManager.default.setAttributes(
      [.modificationDate: Date.now.addingTimeInterval(-secondsAgo)], ofItemAtPath: folder(name))
  }

  private func names(_ found: FoundFrames) -> [String] {
    found.paths.map { URL(filePath: $0).lastPathComponent }
  }

  @Test func aFolderGivesItsNewestFramesInTheirOrder() throws {
    for (name, age) in [("a.png", 30.0), ("b.png", 50), ("c.png", 40), ("d.txt", 10), (".e.png", 10)] {
      try write(name, secondsAgo: age)
    }
    var watched = try WatchedFolder(folder.path, limit: 2)
    #expect(names(watched.next()) == ["c.png", "a.png"])
    // Those left out at first do not come later.
    #expect(names(watched.next()).isEmpty)
    #expect(watched.name(of: folder("a.png")) == "a.png")
  }

  @Test func aFileThatIsBeingWrittenIsLeftUntilItStays() throws {
    var watched = try WatchedFolder(folder.path, limit: 9)
    #expect(names(watched.next()).isEmpty)
    try write("a.png", secondsAgo: 0, "half")
    #expect(names(watched.next()).isEmpty)
    try write("a.png", secondsAgo: 0, "nearly whole")
    #expect(names(watched.next()).isEmpty)
    #expect(names(watched.next()) == ["a.png"])
    #expect(names(watched.next()).isEmpty)
    // Written again it is another frame.
    try write("a.png", secondsAgo: 5, "another")
    #expect(names(watched.next()).isEmpty)
    #expect(names(watched.next()) == ["a.png"])
  }

  @Test func aFolderMayGoAndComeBack() throws {
    try folder.makeFolder("frames")
    try write("frames/a.png", secondsAgo: 9)
    var watched = try WatchedFolder(folder("frames"), limit: 9)
    #expect(names(watched.next()) == ["a.png"])
    try FileManager.default.moveItem(atPath: folder("frames"), toPath: folder("gone"))
    #expect(watched.next().trouble?.contains("the folder cannot be read") == true)
    try FileManager.default.moveItem(atPath: folder("gone"), toPath: folder("frames"))
    #expect(watched.next().trouble == nil)
    #expect(throws: (any Error).self) { _ = try WatchedFolder(folder("none"), limit: 9) }
  }

  @Test func onlyTheLastFramesAreKept() throws {
    let calibration = try #require(try detector.contents().calibration)
    let line = LiveLine(limit: 3, calibration: calibration, identity: nil)
    for index in 1...5 { line.add(LiveFrame(name: "\(index)", time: Date.now, outcome: .failed("no"))) }
    let snapshot = line.snapshot
    #expect(snapshot.count == 5 && snapshot.revision == 5)
    #expect(snapshot.numbered.map(\.number) == [5, 4, 3] && snapshot.numbered.map(\.frame.name) == ["5", "4", "3"])
    line.setTrouble("a")
    line.setTrouble("a")
    #expect(line.snapshot.revision == 6)
  }

  /// A frame has the same name and pictures after a picture of another size.
  @Test func framesOfSeveralSizesAreDrawn() throws {
    try folder.writeFrame("a.png", 0, of: detector)
    try folder.writeFrame("b.png", 0, of: detectorCase("resnet18_reflect"))
    let scorer = try LiveScorer(Detector(detector.contents()), threadCount: 1)
    let first = try #require(scorer.score(folder("a.png"), name: "a").scored)
    _ = try #require(scorer.score(folder("b.png"), name: "b").scored)
    let again = try #require(scorer.score(folder("a.png"), name: "a").scored)
    #expect(again.score == first.score && again.photograph == first.photograph && again.heatMap == first.heatMap)
    #expect(first.photograph != first.heatMap)
  }
}
