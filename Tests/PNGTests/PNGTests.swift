import Basics
import Foundation
import Imaging
import PNG
import Testing

private func files(_ folder: String) -> [String] {
  let path = Bundle.module.resourceURL?.appendingPathComponent("Fixtures/\(folder)").path ?? ""
  return ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted().filter { $0.hasSuffix(".png") }
}

private func path(_ name: String) throws -> String {
  try #require(Bundle.module.resourceURL).appendingPathComponent("Fixtures/\(name)").path
}

private func bytes(_ name: String) throws -> [UInt8] {
  try [UInt8](Data(contentsOf: URL(fileURLWithPath: path(name))))
}

/// Reads a file with these bytes.
private func read(_ bytes: [UInt8]) throws(Failure) -> Picture {
  let file = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
  defer { try? FileManager.default.removeItem(at: file) }
  do { try Data(bytes).write(to: file) } catch { throw Failure(.io, "the test's file cannot be written") }
  return try PNG.read(path: file.path)
}

private func kind<T>(_ body: () throws(Failure) -> T) -> Failure.Kind? {
  do throws(Failure) {
    _ = try body()
    return nil
  } catch {
    #expect(!error.message.isEmpty && !error.message.contains("\n"))
    return error.kind
  }
}

/// A folder that is gone after the test.
private func withFolder(_ body: (String) throws -> Void) throws {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  try body(folder.path)
}

@Suite struct PNGReadTests {
  @Test func fixturesAreThere() {
    #expect(files("images").count == 45)
    #expect(files("damaged").count == 42)
  }

  @Test(arguments: files("images"))
  func everyKind(_ name: String) throws {
    let expected = try bytes("images/\(name.dropLast(4)).raw")
    let path = try path("images/\(name)")
    let image = try PNG.read(path: path)
    #expect(image.pixels == expected)
    #expect(image.isGray == name.hasPrefix("gray"))
    #expect(image.pixels.count == image.width * image.height * (image.isGray ? 1 : 3))

    #expect(try PNG.readShape(path: path) == image.shape)
    #expect(try read(bytes("images/\(name)")) == image)

    var pixels = [UInt8](repeating: 77, count: expected.count + 1)
    try pixels.withUnsafeMutableBytes { try PNG.read(path: path, into: $0) }
    #expect(pixels == expected + [77])
    let failure = pixels.withUnsafeMutableBytes { pixels in
      kind { () throws(Failure) in try PNG.read(path: path, into: .init(rebasing: pixels.dropLast(2))) }
    }
    #expect(failure == .bufferTooSmall)
  }

  @Test(arguments: files("damaged"))
  func damage(_ name: String) throws {
    let path = try path("damaged/\(name)")
    #expect(kind { () throws(Failure) in try PNG.read(path: path) } == .format)
    let bytes = try bytes("damaged/\(name)")
    #expect(kind { () throws(Failure) in try read(bytes) } == .format)
  }

  @Test(arguments: ["rgba16-interlaced.png", "palette4-trns.png", "gray1.png", "rgb8-parts.png"])
  func everyTruncation(_ name: String) throws {
    let whole = try bytes("images/\(name)")
    for count in 0..<whole.count {
      #expect(kind { () throws(Failure) in try read(Array(whole.prefix(count))) } == .format, "\(count) bytes")
    }
  }

  /// A checksum is over every byte but the lengths, so that no single damaged bit of these files goes unnoticed.
  @Test(arguments: ["rgb8.png", "gray16-interlaced.png", "palette8.png"])
  func everyBit(_ name: String) throws {
    let whole = try bytes("images/\(name)")
    for index in whole.indices {
      for bit in 0..<8 {
        var damaged = whole
        damaged[index] ^= 1 << bit
        #expect(kind { () throws(Failure) in try read(damaged) } == .format, "bit \(bit) of byte \(index)")
      }
    }
  }

  @Test func whatIsNoFile() throws {
    try withFolder { folder in
      for path in ["\(folder)/missing.png", folder, "", "/dev/null", "\(folder)\0.png", "\(folder)/a/b/c.png"] {
        #expect(kind { () throws(Failure) in try PNG.read(path: path) } == .io, "\(path)")
        #expect(kind { () throws(Failure) in try PNG.readShape(path: path) } == .io, "\(path)")
      }
    }
  }

  @Test func noBytes() {
    #expect(kind { () throws(Failure) in try read([]) } == .format)
  }
}

@Suite struct PNGWriteTests {
  @Test(arguments: [1, 3, 4], [0, 7])
  func whatIsWrittenIsRead(_ channels: Int, _ padding: Int) throws {
    let (width, height, stride) = (13, 9, 13 * channels + padding)
    let pixels = (0..<stride * (height - 1) + 13 * channels).map { UInt8(truncatingIfNeeded: $0 &* 73 >> 2) }
    try withFolder { folder in
      let path = "\(folder)/image.png"
      for _ in 0..<2 {
        try PNG.write(path: path, pixels: pixels, width: width, height: height, stride: stride, channels: channels)
      }
      let image = try PNG.read(path: path)
      #expect(image.width == width && image.height == height && image.isGray == (channels == 1))
      let kept = min(channels, 3)
      for y in 0..<height {
        for x in 0..<width {
          for c in 0..<kept {
            #expect(image.pixels[(y * width + x) * kept + c] == pixels[y * stride + x * channels + c])
          }
        }
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["image.png"])
    }
  }

  @Test func aFailureLeavesTheOldFile() throws {
    try withFolder { folder in
      let pixels = [UInt8](repeating: 1, count: 64)
      func write(_ path: String, _ width: Int, _ height: Int, _ stride: Int, _ channels: Int) -> Failure.Kind? {
        kind { () throws(Failure) in
          try PNG.write(
            path: path, pixels: pixels, width: width, height: height, stride: stride, channels: channels)
        }
      }
      let path = "\(folder)/image.png"
      #expect(write(path, 4, 4, 12, 3) == nil)
      let before = try Data(contentsOf: URL(fileURLWithPath: path))
      #expect(write(path, 0, 4, 12, 3) == .invalidArgument)
      #expect(write(path, 4, 65536, 12, 3) == .invalidArgument)
      #expect(write(path, 4, 4, 11, 3) == .invalidArgument)
      #expect(write(path, 4, 4, .max, 3) == .invalidArgument)
      #expect(write(path, 4, 4, 12, 2) == .invalidArgument)
      #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
      #expect(write("\(folder)/missing/image.png", 4, 4, 12, 3) == .io)
      #expect(write(folder, 4, 4, 12, 3) == .io)
      #expect(write("", 4, 4, 12, 3) == .io)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["image.png"])
    }
  }
}
