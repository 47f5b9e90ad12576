import Basics
import Testing

struct FingerprintTests {
  private func text(_ bytes: [UInt8], pieces: [Int] = []) -> String {
    var fingerprint = Fingerprint()
    var start = 0
    for end in pieces + [bytes.count] {
      fingerprint.add(Array(bytes[start..<end]))
      start = end
    }
    return fingerprint.text
  }

  /// The digests of MurmurHash3_x64_128 with seed 0, from the PyPI package mmh3: hash128 as two halves.
  @Test(arguments: [
    (0, "00000000000000000000000000000000"),
    (1, "4610abe56eff5cb551622daa78f83583"),
    (7, "bd4c6987ca4b0d68613addd4bd25c787"),
    (8, "47a7e1bdd68e2fc860e6ee02ec31dcc7"),
    (9, "fbb4cb0f6e812d3278de751d0200ffb9"),
    (15, "47231598fd4925e9cd846dee88c67de9"),
    (16, "444924b591903f30ab906456762fe845"),
    (17, "5c76f40f9fe7c20ec15f026b9edaa824"),
    (31, "053dd3e1a32cd0949ee59aefb4005490"),
    (33, "7d41281bfaba461255ac8073a7d6a30b"),
    (1000, "d7e162416fa3a01c3a12c3f073f1099e"),
  ])
  func knownAnswers(_ length: Int, _ expected: String) {
    #expect(text((0..<length).map { UInt8($0 % 251) }) == expected)
  }

  @Test func piecesDoNotMatter() {
    let bytes = (0..<100).map { UInt8($0) }
    let whole = text(bytes)
    for pieces in [[1], [15], [16], [17, 33], [3, 4, 31, 32, 90], [0, 0, 50, 100]] {
      #expect(text(bytes, pieces: pieces) == whole, "\(pieces)")
    }
    #expect(text(bytes + [0]) != whole)
  }
}
