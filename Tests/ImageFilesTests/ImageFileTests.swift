import Basics
import Foundation
import Imaging
import PNG
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

private func writePNG(_ path: String, _ pixels: [UInt8], _ width: Int, _ channels: Int) throws {
  try PNG.write(path: path, pixels: pixels, width: width, height: 1, stride: pixels.count, channels: channels)
}

struct ImageFileTests {
  @Test func fixturesAreThere() { #expect(images.count == 84) }

  @Test(arguments: images) func pixelsArePillows(name: String) throws {
    let picture = try ImageFile.read(path: path(name))
    #expect(picture.width == 23 && picture.height == 17)
    let expected = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path(name + ".raw"))))
    let bytes = expected.count / (23 * 17)
    #expect(picture.isGray == (bytes < 3))
    #expect(picture.shape.bitsPerSample == (bytes % 2 == 0 ? 16 : 8))
    #expect(picture.pixels == expected)
    #expect(try ImageFile.readShape(path: path(name)) == picture.shape)
  }

  /// A lossy mask's black is not quite black, a drawing program's shape may be in alpha alone, and masks may be 0 and 1.
  @Test func masks() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    func mask(_ channels: Int, _ pixels: [UInt8]) throws -> [Bool] {
      let path = folder.appendingPathComponent("mask.png").path
      let width = pixels.count / channels
      try writePNG(path, pixels, width, channels)
      let mask = try MaskFile(path: path)
      #expect(mask.width == width && mask.height == 1)
      return (0..<width).map { mask[$0] }
    }
    #expect(try mask(1, [0, 1, 127, 255]) == [false, true, true, true])
    #expect(try mask(3, [0, 0, 0, 0, 0, 1]) == [false, true])
    // Transparent: nothing there, whatever its colour.
    #expect(try mask(4, [255, 0, 0, 0, 255, 0, 0, 9, 0, 0, 0, 255]) == [false, true, false])
    // One colour alone: its shape is in alpha.
    #expect(try mask(4, [0, 0, 0, 0, 0, 0, 0, 255, 0, 0, 0, 128]) == [false, true, true])
    // But an opaque black one is empty.
    #expect(try mask(4, [0, 0, 0, 255, 0, 0, 0, 255]) == [false, false])
    for (name, isLossy) in [("lossy.webp", true), ("lossless.webp", false), ("gray.jpg", true), ("gray.bmp", false)] {
      let picture = try ImageFile.read(path: path(name))
      let channels = picture.isGray ? 1 : 3
      let mask = try MaskFile(path: path(name))
      for pixel in 0..<picture.width * picture.height {
        let values = picture.pixels[pixel * channels..<(pixel + 1) * channels]
        #expect(mask[pixel] == values.contains { $0 >= (isLossy ? 128 : 1) }, "\(name)")
      }
    }
  }

  /// Files whose names are not UTF-8 are opened by their bytes.
  @Test func namesAreBytes() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    for name in ["gray.jpg", "rgb16.tif", "rgb.bmp", "lossy.webp", "gray.pgm"] {
      let copy = String(path: Array("\(folder.path)/pr".utf8) + [0xfc] + Array("f-\(name)".utf8))
      let data = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path(name))))
      let file = try #require(fopen(copy.pathBytes, "w"))
      fwrite(data, 1, data.count, file)
      fclose(file)
      #expect(try ImageFile.read(path: copy) == ImageFile.read(path: path(name)))
      #expect(copy.shown.hasSuffix("/pr\\xfcf-\(name)"))
    }
    #expect(try Folder(folder.path).images.map(\.shown).contains("pr\\xfcf-gray.jpg"))
  }

  @Test func aFolderIsRemovedUnlessItHoldsMore() throws {
    let outer = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: outer) }
    let folder = Folder("\(outer.path)/inner")
    try folder.make()
    for name in ["1.jpg", "2.jpg", ".hidden"] {
      #expect(FileManager.default.createFile(atPath: folder.file(name), contents: nil))
    }
    #expect(throws: Failure.self) { try folder.remove() }
    #expect(try folder.exists && folder.files.isEmpty)
    try FileManager.default.removeItem(atPath: folder.file(".hidden"))
    try folder.remove()
    #expect(!folder.exists)
  }

  @Test func namesOfImages() {
    for name in ["a.png", "a.JPG", "a.b.jfif", "a.webp", "a.pgm", "a.gif", "a.HEIC"] {
      #expect(ImageFile.isName(name), "\(name)")
    }
    for name in ["a.txt", "png", ".png", ".a.png", "a.png.bak", ""] { #expect(!ImageFile.isName(name), "\(name)") }
  }

  /// The name does not count.
  @Test func theContentTellsTheKind() throws {
    let copy = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).png")
    try FileManager.default.copyItem(atPath: path("gray.jpg"), toPath: copy.path)
    defer { try? FileManager.default.removeItem(at: copy) }
    #expect(try ImageFile.read(path: copy.path) == ImageFile.read(path: path("gray.jpg")))
  }

  @Test(arguments: names { $0.hasPrefix("refused-") }) func refused(name: String) throws {
    let path = try path(name)
    #expect(kind(path) == (name.hasPrefix("refused-format") ? .format : .unsupported))
    // A header that is refused is refused for the size too; damage behind it is not seen there.
    let shape = Result { () throws(Failure) in try ImageFile.readShape(path: path) }
    if name.hasPrefix("refused-unsupported"), name != "refused-unsupported-two.pgm" {
      #expect(throws: Failure.self) { try shape.get() }
    }
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
