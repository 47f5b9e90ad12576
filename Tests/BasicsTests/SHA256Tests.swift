import Basics
import Testing

struct SHA256Tests {
  private func text(_ bytes: [UInt8], pieces: [Int] = []) -> String {
    var sum = SHA256()
    var start = 0
    for end in pieces + [bytes.count] {
      bytes[start..<end].withUnsafeBytes { sum.add($0) }
      start = end
    }
    return sum.text
  }

  /// The examples of NIST (FIPS 180-4, and the CAVP's short messages).
  @Test func knownAnswers() {
    for (message, expected) in [
      ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
      ),
      (
        "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
        "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"
      ),
      (String(repeating: "a", count: 1_000_000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
    ] { #expect(SHA256.text(of: message) == expected) }
    #expect(text([0xbd]) == "68325720aabd7c82f30f554b313d0570c95accbb7dc4b5aae11204c08ffe732b")
    #expect(text([0xc9, 0x8c, 0x8e, 0x55]) == "7abc22c0ae5af26ce93dbb94433a0e0b2e119d014f8e7f65bd56c61ccccd9504")
  }

  /// Of zeros, as NIST gives them for the lengths around a block's end.
  @Test(arguments: [
    (55, "02779466cdec163811d078815c633f21901413081449002f24aa3e80f0b88ef7"),
    (56, "d4817aa5497628e7c77e6b606107042bbba3130888c5f47a375e6179be789fbb"),
    (57, "65a16cb7861335d5ace3c60718b5052e44660726da4cd13bb745381b235a1785"),
    (64, "f5a5fd42d16a20302798ef6ed309979b43003d2320d9f0e8ea9831a92759fb4b"),
    (1000, "541b3e9daa09b20bf85fa273e5cbd3e80185aa4ec298e765db87742b70138a53"),
  ])
  func zeros(_ length: Int, _ expected: String) {
    let bytes = [UInt8](repeating: 0, count: length)
    #expect(text(bytes) == expected)
    for pieces in [[1], [length / 2], [3, 4, length - 1], [0, 0, length]] {
      #expect(text(bytes, pieces: pieces) == expected, "\(pieces)")
    }
  }

  @Test func hexadecimalDigits() {
    #expect(UInt32(0x0a).hexadecimal == "0000000a" && Int64(-1).hexadecimal == "ffffffffffffffff")
    #expect(Float(1.5).bitPattern.hexadecimal == "3fc00000")
  }
}
