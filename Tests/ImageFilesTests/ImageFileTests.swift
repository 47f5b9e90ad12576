import Basics
import Foundation
import Imaging
import Testing

@testable import ImageFiles

/// Names of the fixtures, which Tests/Fixtures/make_image_files.py makes.
private func names(_ isWanted: (String) -> Bool) -> [String] {
  let folder = Bundle.module.resourceURL?.appendingPathComponent("Fixtures").path ?? ""
  let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
  return names.filter { !$0.hasSuffix(".raw") && isWanted($0) }.sorted()
}

private let images = names { !$0.hasPrefix("refused-") }

private func path(_ name: String) throws -> String {
  try #require(Bundle.module.resourceURL).appendingPathComponent("Fixtures/\(name)").path
}

private func kind(_ path: String) -> Failure.Kind? {
  do throws(Failure) {
    _ = try ImageFile.read(path: path)
    return nil
  } catch {
    #expect(error.message.hasPrefix("\(path): ") && !error.message.contains("\n"))
    return error.kind
  }
}

struct ImageFileTests {
  @Test func fixturesAreThere() { #expect(images.count == 45) }

  @Test(arguments: images) func pixelsArePillows(name: String) throws {
    let picture = try ImageFile.read(path: path(name))
    #expect(picture.width == 23 && picture.height == 17)
    let expected = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path(name + ".raw"))))
    #expect(picture.isGray == (expected.count == 23 * 17))
    #expect(picture.pixels == expected)
  }

  /// The name does not count.
  @Test func theContentTellsTheKind() throws {
    let copy = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).png")
    try FileManager.default.copyItem(atPath: path("gray.jpg"), toPath: copy.path)
    defer { try? FileManager.default.removeItem(at: copy) }
    #expect(try ImageFile.read(path: copy.path) == ImageFile.read(path: path("gray.jpg")))
  }

  @Test(arguments: names { $0.hasPrefix("refused-") }) func refused(name: String) throws {
    #expect(kind(try path(name)) == (name.hasPrefix("refused-format") ? .format : .unsupported))
  }

  @Test func whatIsNoFileIsRefused() throws {
    #expect(kind(try path("missing.jpg")) == .io)
    #expect(kind(NSTemporaryDirectory()) == .io)
    #expect(kind("/dev/null") == .io)
  }

  /// Every file, cut short at many places, gives an error or, where only what follows the pixels is cut, the picture.
  @Test(arguments: images) func everyTruncation(name: String) throws {
    let data = try Data(contentsOf: URL(fileURLWithPath: path(name)))
    let whole = try ImageFile.read(path: path(name))
    let file = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: file) }
    for length in Set((0..<60).map { $0 * data.count / 60 } + [1, 2, 3, data.count - 1]) {
      try data.prefix(length).write(to: file)
      if kind(file.path) == nil { #expect(try ImageFile.read(path: file.path) == whole, "\(length) of \(data.count)") }
    }
  }

  /// Damaged bytes must not end the process; what they give is not known.
  @Test(arguments: images) func damage(name: String) throws {
    let data = try Data(contentsOf: URL(fileURLWithPath: path(name)))
    let file = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: file) }
    var random = Random(seed: 1, purpose: name)
    for _ in 0..<60 {
      var damaged = data
      for _ in 0..<3 { damaged[random.integer(below: damaged.count)] = UInt8(random.integer(below: 256)) }
      try damaged.write(to: file)
      _ = kind(file.path)
    }
  }
}
