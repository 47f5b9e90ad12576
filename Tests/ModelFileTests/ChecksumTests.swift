import Basics
import Testing

extension ModelFileTests {
  @Suite struct Checksum {
    /// The sums word by word, each folded to 16 bits as libhdf5 folds them.
    private func plain(_ bytes: [UInt8]) -> UInt32 {
      func folded(_ sum: UInt32) -> UInt32 { sum > 0xffff ? sum & 0xffff + sum >> 16 : sum }
      var (first, second): (UInt32, UInt32) = (0, 0)
      for i in stride(from: 0, to: bytes.count, by: 2) {
        first = folded(first + UInt32(bytes[i]) << 8 + UInt32(bytes[i + 1]))
        second = folded(second + first)
      }
      return second << 16 | first
    }

    @Test(arguments: [0, 2, 14, 16, 18, 30, 5760, 5762, 5776, 70_000]) func equalsTheDefinition(count: Int) {
      var state: UInt32 = 1
      let noise = (0..<count).map { _ in
        state = state &* 1_664_525 &+ 1_013_904_223
        return UInt8(state >> 24)
      }
      for bytes in [noise, Array(repeating: 0, count: count), Array(repeating: 0xff, count: count)] {
        var sums = WordSums()
        bytes.withUnsafeBytes { sums.add($0) }
        #expect(sums.fletcher32 == plain(bytes))
        // In parts it is the same.
        var parts = WordSums()
        let cut = count / 3 / 2 * 2
        for part in [bytes[..<cut], bytes[cut...]] { part.withUnsafeBytes { parts.add($0) } }
        #expect(parts == sums)
        var (first, second) = (WordSums(), WordSums())
        bytes[..<cut].withUnsafeBytes { first.add($0) }
        bytes[cut...].withUnsafeBytes { second.add($0) }
        first.append(second)
        #expect(first == sums)
      }
    }
  }
}
