import Basics
import Foundation
import PNG
import Testing

@testable import DataSets

struct MaskTests {
  @Test(arguments: fixtureNames("masks").filter { $0.hasSuffix(".raw") }) func pillowsNearestPixels(name: String) throws
  {
    let sides = name.dropLast(4).split(separator: "x").compactMap { Int($0) }
    let sample = Sample(image: "a.png", defect: "hole", mask: .images([try fixture("masks/mask.png")]))
    var pixels = [UInt8](repeating: 9, count: sides[0] * sides[1])
    try pixels.withUnsafeMutableBufferPointer {
      try sample.truth(width: sides[0], height: sides[1], into: #require($0.baseAddress))
    }
    #expect(pixels == [UInt8](try Data(contentsOf: URL(filePath: fixture("masks/\(name)")))))
  }

  @Test func masksAreJoined() throws {
    let folder = try TemporaryFolder()
    for (name, pixels) in [("a", [0, 9, 0, 0]), ("b", [0, 0, 0, 236])] as [(String, [UInt8])] {
      try PNG.write(path: folder("\(name).png"), pixels: pixels, width: 4, height: 1, stride: 4, channels: 1)
    }
    let sample = Sample(image: "x.png", defect: "hole", mask: .images([folder("a.png"), folder("b.png")]))
    var pixels = [UInt8](repeating: 9, count: 4)
    try pixels.withUnsafeMutableBufferPointer {
      try sample.truth(width: 4, height: 1, into: #require($0.baseAddress))
    }
    #expect(pixels == [0, 1, 0, 1])
  }

  @Test func aGoodImageHasNoDefectivePixels() throws {
    var pixels: [UInt8] = [1, 1]
    try pixels.withUnsafeMutableBufferPointer {
      try Sample(image: "a.png").truth(width: 2, height: 1, into: #require($0.baseAddress))
    }
    #expect(pixels == [0, 0])
  }

  @Test func aMaskThatIsNotThereIsAFailure() throws {
    var pixel: UInt8 = 0
    for mask in [
      Sample.Mask.missing, .lost("it is lost"), .images(["/missing.png"]), .array("/missing.npy", frame: 0),
    ] {
      #expect(throws: Failure.self) {
        try Sample(image: "a.png", defect: "hole", mask: mask).truth(width: 1, height: 1, into: &pixel)
      }
    }
    let labels = try fixture("stc/testing/test_pixel_mask/01_0015.npy")
    #expect(throws: Failure.self) {
      try Sample(image: "a", defect: "b", mask: .array(labels, frame: 2)).truth(width: 1, height: 1, into: &pixel)
    }
  }
}

struct NPYTests {
  @Test(arguments: fixtureNames("arrays").filter { $0.hasPrefix("labels") }) func numpysArraysAreRead(name: String)
    throws
  {
    let file = try NPYFile(path: fixture("arrays/\(name)"))
    #expect(file.shape == [5] && file.count == 5)
    #expect(try file.isNonzero(in: 0..<5) == [false, true, false, false, true])
    #expect(try file.isNonzero(in: 3..<5) == [false, true])
    #expect(throws: Failure.self) { _ = try file.isNonzero(in: 3..<6) }
  }

  @Test(arguments: fixtureNames("arrays").filter { $0.hasPrefix("refused") }) func othersAreRefused(name: String) throws
  {
    #expect {
      _ = try NPYFile(path: fixture("arrays/\(name)"))
    } throws: {
      [.format, .unsupported].contains(($0 as? Failure)?.kind)
    }
  }
}
