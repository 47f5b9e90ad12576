import Basics
import Foundation
import Testing

@testable import DataSets

/// Of two images of which the second is defective, as programs write them.
private let lists: [[UInt8]] = [
  utf8("\u{FEFF}path;label\r\ni/a.png;good\r\ni/b.png;bad\r\n"),
  utf8("path\tlabel\ni/a.png\t0.0\ni/b.png\t1.0\n"),
  utf8("sep=;\r\npath;label\r\ni/a.png;False\r\n;\r\ni/b.png;True\r\n"),
  utf8("path,label\n\n,\ni\\a.png,OK\n, ,\ni\\b.png,x\n"),
  utf16("\u{FEFF}path\tlabel\r\ni/a.png\tNormal\r\ni/b.png\t1\r\n", isBigEndian: false),
  utf16("\u{FEFF}path,label\ni/a.png,0\ni/b.png,1", isBigEndian: true),
]

private func utf8(_ text: String) -> [UInt8] { Array(text.utf8) }

private func utf16(_ text: String, isBigEndian: Bool) -> [UInt8] {
  var bytes: [UInt8] = []
  for unit in text.utf16 {
    let word = isBigEndian ? unit.byteSwapped : unit
    bytes.append(UInt8(word & 255))
    bytes.append(UInt8(word >> 8))
  }
  return bytes
}

struct DataSetTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func failure(_ path: String, _ part: DataSet.Part = .test, className: String? = nil) -> Failure? {
    do throws(Failure) {
      _ = try DataSet(path, part: part, className: className)
      return nil
    } catch {
      return error
    }
  }

  private func makeMVTec() throws {
    try folder.make(
      "mvtec/bottle/train/good/001.png", "mvtec/bottle/train/good/000.png", "mvtec/bottle/train/good/readme.txt",
      "mvtec/bottle/test/good/000.png", "mvtec/bottle/test/crack/000.png", "mvtec/bottle/test/crack/001.png",
      "mvtec/bottle/ground_truth/crack/000_mask.png", "mvtec/bottle/ground_truth/crack/001_mask.png",
      "mvtec/cable/train/good/000.png", "mvtec/cable/test/cut/007.png", "mvtec/cable/ground_truth/cut/007.png",
      "mvtec/notes/readme.txt")
  }

  @Test func mvtecIsReadWithBothNamesOfMasks() throws {
    try makeMVTec()
    let root = folder("mvtec")
    let test = try DataSet(root, part: .test)
    #expect(test.classes.map(\.name) == ["bottle", "cable"])
    #expect(
      test.classes[0].samples == [
        Sample(
          image: "\(root)/bottle/test/crack/000.png", defect: "crack",
          mask: .images(["\(root)/bottle/ground_truth/crack/000_mask.png"])),
        Sample(
          image: "\(root)/bottle/test/crack/001.png", defect: "crack",
          mask: .images(["\(root)/bottle/ground_truth/crack/001_mask.png"])),
        Sample(image: "\(root)/bottle/test/good/000.png"),
      ])
    #expect(test.classes[1].samples.map(\.mask) == [.images(["\(root)/cable/ground_truth/cut/007.png"])])
    #expect(test.classes[0].good.count == 1)

    let training = try DataSet(root, part: .training, className: "bottle")
    #expect(training.classes.map(\.name) == ["bottle"])
    #expect(
      training.classes[0].samples.map(\.image) == [
        "\(root)/bottle/train/good/000.png", "\(root)/bottle/train/good/001.png",
      ])
    #expect(try DataSet("\(root)/bottle/", part: .test).classes == [test.classes[0]].map { $0 })
  }

  @Test func anUnknownClassIsNamedBesideTheKnown() throws {
    try makeMVTec()
    let problem = try #require(failure(folder("mvtec"), className: "zipper"))
    #expect(problem.kind == .invalidArgument)
    #expect(problem.message.hasSuffix("there is no class zipper; it has bottle, cable"))
  }

  @Test func aMissingMaskIsALossAndNoMasksAreNot() throws {
    try folder.make("a/train/good/0.png", "a/test/cut/0.png", "a/test/cut/1.png", "a/ground_truth/cut/0.png")
    #expect(
      try DataSet(folder("a"), part: .test).classes[0].samples.map(\.mask) == [
        .images(["\(folder("a"))/ground_truth/cut/0.png"]),
        .lost("\(folder("a"))/ground_truth/cut: there is no mask of 1.png"),
      ])
    try folder.make("b/train/good/0.png", "b/test/cut/0.png")
    let sample = try #require(try DataSet(folder("b"), part: .test).classes.first?.samples.first)
    #expect(sample.mask == .missing && !sample.hasTruth && sample.isDefective)
  }

  @Test func plainFoldersServeBothParts() throws {
    try folder.make(
      "parts/good/a.png", "parts/good/b.png", "parts/defective/c.png", "parts/scratch/d.png", "parts/masks/c_mask.png",
      "parts/masks/d.png")
    let root = folder("parts")
    let test = try DataSet(root, part: .test).classes
    #expect(test.map(\.name) == ["parts"])
    #expect(test[0].samples.map(\.defect) == ["defective", "good", "good", "scratch"])
    #expect(
      test[0].samples.map(\.mask) == [
        .images(["\(root)/masks/c_mask.png"]), .missing, .missing, .images(["\(root)/masks/d.png"]),
      ])
    #expect(
      try DataSet(root, part: .training).classes[0].samples.map(\.image) == [
        "\(root)/good/a.png", "\(root)/good/b.png",
      ])
    #expect(try DataSet(folder("parts/"), part: .test).classes[0].name == "parts")
  }

  @Test func csvLinesAreReadAsTheyWereWritten() throws {
    let cells = ["plain", "a, b", "say \"no\"", "two\nlines", "two\r\nmore", ""]
    let csv = try CSV(CSV.line(["A", "b", "c", "d", "e", "f"]) + "\n" + CSV.line(cells) + "\n")
    #expect(csv.columns == ["a", "b", "c", "d", "e", "f"])
    #expect(csv.rows == [cells])
  }

  @Test func csvListsAreRead() throws {
    try folder.make(
      "sets/list.csv",
      text: #"""
        \#u{FEFF}label, Path ,mask,split,class\#r
        good,a.png,,train,x\#r
        0,"with, comma.png",,,x\#r
        "big ""hole""",/abs/c.png,masks/c.png,test,x\#r

        1,d.png,,TEST,y\#r
        """#)
    let path = folder("sets/list.csv")
    let sets = folder("sets")
    let test = try DataSet(path, part: .test).classes
    #expect(test.map(\.name) == ["x", "y"])
    #expect(
      test[0].samples == [
        Sample(image: "\(sets)/with, comma.png"),
        Sample(image: "/abs/c.png", defect: "big \"hole\"", mask: .images(["\(sets)/masks/c.png"])),
      ])
    #expect(test[1].samples == [Sample(image: "\(sets)/d.png", defect: "defective")])
    #expect(
      try DataSet(path, part: .training, className: "x").classes[0].samples.map(\.image) == [
        "\(sets)/a.png", "\(sets)/with, comma.png",
      ])
  }

  @Test(arguments: [
    ("", "there is no line of column names"), ("a,b\n1,2", "the columns path and label are needed; there are a, b"),
    ("path,label\na.png,nan", "row 1: the label is nan: it was empty in the program that wrote it"),
    ("path,label\na.png", "row 1 has 1 cells where there are 2 columns"),
    ("path,label\n\"a.png,good", "a quote is not closed"), ("path,label\na.png,", "row 1: the label is empty"),
    ("path,label,split\na,good,train\nb,good,middle", "row 2: the split middle is neither train nor test"),
  ]) func damagedCSVListsAreRefused(text: String, message: String) throws {
    try folder.make("list.csv", text: text)
    let problem = try #require(failure(folder("list.csv")))
    #expect(problem.kind == .format)
    #expect(problem.message == "\(folder("list.csv")): \(message)")
  }

  @Test func whatIsNoDataSetIsRefused() throws {
    try folder.make("images/0.png", "images/monday/1.png", "images/tuesday/1.png")
    let problem = try #require(failure(folder("images")))
    #expect(problem.kind == .format && problem.message.contains("it holds the folders monday, tuesday, but neither"))
    #expect(!DataSet.isDataSet(folder("images")))
    #expect(failure(folder("missing.csv"))?.kind == .io)
    #expect(failure(folder("missing"))?.kind == .io)
  }

  /// As pandas, Excel and others write lists.
  @Test(arguments: lists) func listsOfOtherPrograms(bytes: [UInt8]) throws {
    try folder.make("i/a.png", "i/b.png")
    try Data(bytes).write(to: URL(filePath: folder("list.csv")))
    let samples = try DataSet(folder("list.csv"), part: .test).classes[0].samples
    #expect(samples.map(\.image) == [folder("i/a.png"), folder("i/b.png")])
    #expect(samples.map(\.isDefective) == [false, true])
  }

  @Test(arguments: [
    ("0", false), ("0.0", false), ("False", false), ("FALSE", false), ("good", false), ("Normal", false), ("OK", false),
    ("1", true), ("1.0", true), ("True", true), ("-1", true), ("crack", true),
  ]) func labels(label: String, isDefective: Bool) throws {
    try folder.make("list.csv", text: "path,label\na.png,\(label)\n")
    #expect(try DataSet(folder("list.csv"), part: .test).classes[0].samples.map(\.isDefective) == [isDefective])
  }

  @Test(arguments: ["good", "ok", "OK", "Good", "normal"]) func namesOfGoodFolders(name: String) throws {
    try folder.make(
      "plain/\(name)/a.png", "plain/NG/b.png", "set/train/\(name)/a.png", "set/test/\(name)/b.png", "set/test/ko/c.png",
      "set/ground_truth/ko/c.png")
    let plain = try DataSet(folder("plain"), part: .test).classes[0].samples
    #expect(plain.map(\.isDefective).sorted { !$0 && $1 } == [false, true])
    #expect(plain.contains { $0.defect == "NG" })
    #expect(try DataSet(folder("plain"), part: .training).classes[0].good.count == 1)
    let test = try DataSet(folder("set"), part: .test).classes[0]
    #expect(test.good.map(\.image) == [folder("set/test/\(name)/b.png")])
    #expect(test.defective.map(\.mask) == [.images([folder("set/ground_truth/ko/c.png")])])
    #expect(
      try DataSet(folder("set"), part: .training).classes[0].good.map(\.image) == [folder("set/train/\(name)/a.png")])
  }

  @Test func laterSetsOfMVTec() throws {
    // MVTec AD 2.
    try folder.make(
      "can/train/good/0.png", "can/validation/good/0.png", "can/test_public/good/0.png", "can/test_public/bad/1.png",
      "can/test_public/ground_truth/bad/1_mask.png", "can/test_private/2.png")
    var notes: [String] = []
    let can = try DataSet(folder("can"), part: .test, report: { notes.append($0) }).classes[0]
    #expect(can.samples.map(\.defect) == ["bad", "good"])
    #expect(can.samples[0].mask == .images([folder("can/test_public/ground_truth/bad/1_mask.png")]))
    #expect(
      notes == [
        "\(folder("can"))/test_private: its 1 images left out", "\(folder("can"))/validation: its 1 images left out",
      ])
    // MVTec LOCO AD.
    try folder.make(
      "loco/train/good/0.png", "loco/test/logical/000.png", "loco/test/logical/001.png",
      "loco/ground_truth/logical/000/000.png", "loco/ground_truth/logical/000/001.png")
    let masks = try DataSet(folder("loco"), part: .test).classes[0].samples.map(\.mask)
    let truth = folder("loco/ground_truth/logical")
    #expect(
      masks == [
        .images(["\(truth)/000/000.png", "\(truth)/000/001.png"]), .lost("\(truth): there is no mask of 001.png"),
      ])
  }

  /// Nothing that looks like an image is left out without a word.
  @Test func whatIsLeftOutIsReported() throws {
    try folder.make(
      "set/train/good/0.png", "set/test/good/0.png", "set/test/scratch/monday/1.png", "set/test/empty/notes.txt",
      "set/test/stray.png", "set/preview.png", "set/test/good/old/2.jpg", "set/test/good/old/3.gif")
    var notes: [String] = []
    let samples = try DataSet(folder("set"), part: .test, report: { notes.append($0) }).classes[0].samples
    #expect(samples.map(\.image) == [folder("set/test/good/0.png")])
    let root = folder("set")
    #expect(
      notes == [
        "\(root): an image beside its folders left out", "\(root)/test: an image beside its folders left out",
        "\(root)/test/empty holds no images", "\(root)/test/good: 2 in folders within it left out",
        "\(root)/test/scratch: no images directly in it; 1 in folders within it left out",
      ])
    // What has images directly in it is a folder of frames, whatever else there is.
    #expect(!DataSet.isDataSet(root))
    #expect(DataSet.isDataSet(folder("set/test")) == false)
    try FileManager.default.removeItem(atPath: folder("set/preview.png"))
    #expect(DataSet.isDataSet(root))
  }
}
