import Basics

/// Which samples of more than 8 bits are black and white, as shares of the full scale 2^bits - 1: what radiology calls
/// window and level. It belongs to the model, so that training and scoring agree. 8-bit formats are not changed by it.
package struct Window: Sendable, Equatable {
  /// 0..<1; this and below is black.
  package let low: Float
  /// Above `low` up to 1; this and above is white.
  package let high: Float

  package static let full = Window()

  private init() { (low, high) = (0, 1) }

  /// Fails with `invalidArgument`.
  package init(low: Float, high: Float) throws(Failure) {
    guard low >= 0, high <= 1, low < high else {
      throw Failure(.invalidArgument, "the window \(low) to \(high) is not a rising pair within 0...1")
    }
    self.low = low
    self.high = high
  }

  /// Writes round(255 clamp((v / (2^bits - 1) - low) / (high - low), 0, 1)) for each v of `bits` bits, halves rounded up.
  func fill(_ table: UnsafeMutablePointer<UInt8>, bits: Int) {
    let (low, width) = (Double(low), Double(high) - Double(low))
    let scale = 1 / Double((1 << bits) - 1)
    for value in 0..<1 << bits {
      let share = min(max((Double(value) * scale - low) / width, 0), 1)
      table[value] = UInt8(share * 255 + 0.5)
    }
  }
}
