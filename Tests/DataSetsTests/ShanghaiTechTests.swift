import Basics
import Foundation
import Testing

@testable import DataSets

struct ShanghaiTechTests {
  @Test func aSceneIsAClass() throws {
    let root = try fixture("stc")
    let test = try DataSet(root, part: .test).classes
    #expect(test.map(\.name) == ["01", "02"])
    #expect(test[0].samples.map(\.isDefective) == [false, true, true, false, false, false])
    #expect(test[0].samples[0].image == "\(root)/testing/frames/01_0014/000.jpg")
    #expect(test[0].samples[2].mask == .array("\(root)/testing/test_pixel_mask/01_0014.npy", frame: 2))

    let training = try DataSet(root, part: .training, className: "01").classes
    #expect(training[0].samples.count == 3 && training[0].good.count == 3)
  }

  @Test func pixelMasksAreRead() throws {
    let sample = try DataSet(fixture("stc"), part: .test).classes[0].samples[2]
    var pixels = [UInt8](repeating: 9, count: 24 * 20)
    try pixels.withUnsafeMutableBufferPointer {
      try sample.truth(width: 24, height: 20, into: #require($0.baseAddress))
    }
    for y in 0..<20 {
      for x in 0..<24 { #expect(pixels[y * 24 + x] == ((5..<9).contains(y) && (5..<12).contains(x) ? 1 : 0)) }
    }
  }

  @Test func labelsMustFitTheFrames() throws {
    let folder = try TemporaryFolder()
    try FileManager.default.copyItem(atPath: fixture("stc"), toPath: folder("stc"))
    try FileManager.default.removeItem(atPath: folder("stc/testing/frames/01_0015/001.jpg"))
    #expect {
      _ = try DataSet(folder("stc"), part: .test)
    } throws: {
      ($0 as? Failure)?.message.contains("1 frames do not fit the 2 labels") == true
    }
  }

  /// Where ffmpeg is there the video is damaged for it, elsewhere the message says what is missing.
  @Test func videosNeedFFmpeg() throws {
    let folder = try TemporaryFolder()
    try folder.make("stc/training/videos/03_001.avi", "stc/testing/frames/03_002/none.txt", text: "no video")
    #expect {
      _ = try DataSet(folder("stc"), part: .training)
    } throws: {
      guard let failure = $0 as? Failure else { return false }
      return failure.kind == .io
        || failure.kind == .unsupported && failure.message.contains("ffmpeg, which extracts them, is not installed")
    }
    #expect(!FileManager.default.fileExists(atPath: folder("stc/training/frames/03_001")))
  }
}
