import Basics
import Testing

private let paths: [[UInt8]] = [
  utf8("plain/a.png"), utf8("gr\u{fc}n/\u{1F600}.png"), [0x70, 0xfc, 0x66], [0xff, 0xfe, 0x80, 0xc3],
  [0x61, 0xe2, 0x82], [0xf0, 0x9f, 0x98], [0xed, 0xa0, 0x80], [0xc0, 0xaf], utf8("\u{ef80}\u{efff}x"), [],
]

private func utf8(_ text: String) -> [UInt8] { Array(text.utf8) }

struct PathTextTests {
  @Test(arguments: paths) func bytesComeBack(bytes: [UInt8]) {
    let text = String(path: bytes)
    #expect(text.pathBytes.map { UInt8(bitPattern: $0) } == bytes + [0])
    let cString = bytes.map { CChar(bitPattern: $0) } + [0]
    #expect(String(path: cString) == text)
  }

  /// No two paths have one text: a character that stands for a byte is not taken for one that a name has.
  @Test func textsDiffer() {
    #expect(String(path: [0xfc]) != String(path: Array("\u{effc}".utf8)))
  }

  @Test func peopleSeeEscapes() {
    #expect(String(path: [0x70, 0xfc, 0x66]).shown == "p\\xfcf")
    #expect(String(path: Array("gr\u{fc}n".utf8)).shown == "gr\u{fc}n")
  }
}
