import Basics
import Testing

extension ModelFileTests {
  @Suite struct Checksum {
    /// The sums word by word, each folded to 16 bits as libhdf5 folds them.
    private func plain(_ bytes: [UInt8]) -> UInt32 {
      func folded(_ sum: UInt32) -> UInt32 { sum > 0xffff ? sum & 0xffff + sum >> 16 : sum }
      var (first, second): (UInt32, UInt32) = (0, 0)
      for i in stride(from: 0, to: bytes.count, by: 2) {
        // Behind the last byte of an odd number libhdf5 reads a 0.
        first = folded(first + UInt32(bytes[i]) << 8 + UInt32(i + 1 < bytes.count ? bytes[i + 1] : 0))
        second = folded(second + first)
      }
      return second << 16 | first
    }

    @Test(arguments: [0, 1, 2, 3, 14, 16, 17, 18, 30, 5760, 5761, 5762, 5776, 70_000, 70_001]) func equalsTheDefinition(
      count: Int
    ) {
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
        for cuts in [[count / 3], [count / 5, count / 5, count / 2]] {
          var parts = WordSums()
          for (start, end) in zip([0] + cuts, cuts + [count]) {
            bytes[start..<end].withUnsafeBytes { parts.add($0) }
          }
          #expect(parts == sums)
        }
        let cut = count / 3 / 2 * 2
        var (first, second) = (WordSums(), WordSums())
        bytes[..<cut].withUnsafeBytes { first.add($0) }
        bytes[cut...].withUnsafeBytes { second.add($0) }
        first.append(second.completed)
        #expect(first == sums.completed)
      }
    }
  }
}
