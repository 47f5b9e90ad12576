import Basics
import Foundation
import Testing

@testable import DataSets

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
          mask: .image("\(root)/bottle/ground_truth/crack/000_mask.png")),
        Sample(
          image: "\(root)/bottle/test/crack/001.png", defect: "crack",
          mask: .image("\(root)/bottle/ground_truth/crack/001_mask.png")),
        Sample(image: "\(root)/bottle/test/good/000.png"),
      ])
    #expect(test.classes[1].samples.map(\.mask) == [.image("\(root)/cable/ground_truth/cut/007.png")])
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

  @Test func aMissingMaskIsAFailureAndNoMasksAreNot() throws {
    try folder.make("a/train/good/0.png", "a/test/cut/0.png", "a/test/cut/1.png", "a/ground_truth/cut/0.png")
    #expect(failure(folder("a"))?.message.hasSuffix("there is no mask of 1.png") == true)
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
        .image("\(root)/masks/c_mask.png"), .missing, .missing, .image("\(root)/masks/d.png"),
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
        Sample(image: "/abs/c.png", defect: "big \"hole\"", mask: .image("\(sets)/masks/c.png")),
      ])
    #expect(test[1].samples == [Sample(image: "\(sets)/d.png", defect: "defective")])
    #expect(
      try DataSet(path, part: .training, className: "x").classes[0].samples.map(\.image) == [
        "\(sets)/a.png", "\(sets)/with, comma.png",
      ])
  }

  @Test(arguments: [
    ("", "there is no line of column names"), ("a,b\n1,2", "the columns path and label are needed"),
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
    try folder.make("images/0.png")
    #expect(failure(folder("images"))?.kind == .format)
    #expect(!DataSet.isDataSet(folder("images")))
    #expect(failure(folder("missing.csv"))?.kind == .io)
    #expect(failure(folder("missing"))?.kind == .format)
  }
}
