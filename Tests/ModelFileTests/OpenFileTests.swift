import Basics
import Foundation
import Testing

@testable import ModelFile

/// What happens to a file while its tensors are still in it.
extension ModelFileTests {
  @Suite struct OpenFiles {
    private let folder: TemporaryFolder
    private let path: String

    init() throws {
      folder = try TemporaryFolder()
      path = folder.path("model.h5")
      try ModelFile.write(sample(), to: path)
    }

    @Test func replacedOrDeletedFilesDoNotMatter() throws {
      for change in [
        { try ModelFile.write(encoderAlone(), to: path) }, { try FileManager.default.removeItem(atPath: path) },
      ] {
        try ModelFile.write(sample(), to: path)
        var contents = try ModelFile.open(path: path)
        try change()
        try contents.load()
        expectEqual(contents, try sample())
      }
    }

    @Test func aFileThatIsCutIsAnError() throws {
      var contents = try ModelFile.open(path: path)
      let file = try #require(FileHandle(forWritingAtPath: path))
      try file.truncate(atOffset: 64)
      #expect { try contents.load() } throws: { ($0 as? Failure)?.kind == .io }
    }

    /// A value that changes after the file was opened is found out by the checksum.
    @Test func aValueThatChangesIsAnError() throws {
      let name = "bn1.running_var"
      let values = try sample().encoderWeights[name]?.values ?? []
      let bytes = values.withUnsafeBytes { Data($0) }
      let contents = try ModelFile.open(path: path)
      var whole = try Data(contentsOf: URL(fileURLWithPath: path))
      let place = try #require(whole.range(of: bytes))
      whole[place.lowerBound] ^= 1
      let file = try #require(FileHandle(forWritingAtPath: path))
      try file.write(contentsOf: whole)
      let failure = #expect(throws: Failure.self) { try contents.encoderWeights[name]?.values }
      #expect(failure?.kind == .format)
      #expect(failure?.message.contains("/encoder/\(name): its values are damaged") ?? false)
    }

    /// In pieces of any size they are the same values, and their sums those of an array.
    @Test func valuesComeInPieces() throws {
      let shape = [700, 150]
      let values = (0..<700 * 150).map { Float($0) / 8 }
      var contents = try encoderAlone()
      contents.encoderWeights["long"] = try Tensor(shape: shape, values: values)
      try ModelFile.write(contents, to: path)
      let stored = try #require(ModelFile.open(path: path).encoderWeights["long"])
      for piece in [1000, 64 * 1024, 7] {
        let reader = stored.reader()
        var read: [Float] = []
        while read.count < values.count {
          let count = min(piece, values.count - read.count)
          var part = [Float](repeating: 0, count: count)
          try reader.read(count, into: &part)
          read += part
        }
        #expect(read == values)
        var more: Float = 0
        #expect(throws: Failure.self) { try reader.read(1, into: &more) }
      }
      let array = try Tensor(shape: shape, values: values)
      #expect(try stored.sums == array.sums)
      #expect(try ModelFile.open(path: path).encoderWeights["long"]?.sums == array.sums)
      var other = values
      other.swapAt(3, 70_000)
      #expect(try Tensor(shape: shape, values: other).sums != array.sums)
    }

    /// Integers in chunks of odd lengths.
    @Test func integersComeInPieces() throws {
      let shape = [699, 753]
      let count = 699 * 753
      let bytes = (0..<count).map { Int8(truncatingIfNeeded: $0 * 37 ^ $0 >> 8) }
      let words = bytes.enumerated().map { Int16($1) * 255 + Int16($0 % 7) }
      var contents = try encoderAlone()
      contents.encoderWeights["bytes"] = try Tensor(shape: shape, integers: bytes)
      contents.encoderWeights["words"] = try Tensor(shape: shape, integers: words)
      try ModelFile.write(contents, to: path)
      let opened = try ModelFile.open(path: path).encoderWeights
      for (name, expected, format) in [("bytes", bytes.map(Int16.init), NumberFormat.int8), ("words", words, .int16)] {
        let stored = try #require(opened[name])
        #expect(stored.format == format)
        for piece in [count, 20_000, 753, 7] {
          let reader = stored.reader()
          var read: [Int16] = []
          while read.count < count {
            var part = [Int16](repeating: 0, count: min(piece, count - read.count))
            try reader.readIntegers(part.count, into: &part)
            read += part
          }
          #expect(read == expected, "\(name) by \(piece)")
          var more: Int16 = 0
          #expect(throws: Failure.self) { try reader.readIntegers(1, into: &more) }
        }
        #expect(try stored.values == expected.map(Float.init))
        let loaded = try stored.loaded()
        #expect(loaded.format == format && loaded == stored)
        let array = try #require(contents.encoderWeights[name])
        #expect(try stored.sums == array.sums && loaded.sums == array.sums)
        #expect(try ModelFile.open(path: path).encoderWeights[name]?.sums == array.sums)
      }
      // A byte that changes after the file was opened.
      var whole = try Data(contentsOf: URL(fileURLWithPath: path))
      let place = try #require(whole.range(of: bytes[400_000..<400_100].withUnsafeBytes { Data($0) }))
      whole[place.lowerBound] ^= 1
      try FileHandle(forWritingTo: URL(fileURLWithPath: path)).write(contentsOf: whole)
      let failure = #expect(throws: Failure.self) { try opened["bytes"]?.values }
      #expect(failure?.message.contains("/encoder/bytes: its values are damaged") ?? false)
    }
  }
}
