import Basics

/// Rotations that mix C channels in C log C operations instead of C x C: W = H diag(d) / sqrt(C), where H is Sylvester's Hadamard matrix
/// and d are signs. Flows that are trained here for 8 bits have them where C is a power of two. They are rotations as any other in
/// float32 and for PyTorch, and are told by their numbers.
package enum HadamardRotation {
  /// Whether there is one for so many channels, and enough of them that it saves time.
  package static func isPossible(channels: Int) -> Bool { channels >= 64 && channels & (channels - 1) == 0 }

  /// What the entries of W are, but for their sign.
  static func magnitude(channels: Int) -> Float { Float(1 / Double(channels).squareRoot()) }

  private static func isNegative(_ row: Int, _ column: Int) -> Bool { (row & column).nonzeroBitCount & 1 == 1 }

  /// W, row-major.
  ///
  /// - Parameter signs: 1 or -1 for each channel.
  package static func matrix(signs: [Float]) -> [Float] {
    let channels = signs.count
    let magnitude = magnitude(channels: channels)
    var matrix = [Float](repeating: 0, count: channels * channels)
    for row in 0..<channels {
      for column in 0..<channels {
        matrix[row * channels + column] =
          isNegative(row, column) ? -signs[column] * magnitude : signs[column] * magnitude
      }
    }
    return matrix
  }

  /// The signs of a tensor [C, C] that is such a matrix; nil of any other.
  static func signs(of weights: Weights, channels: Int) throws(Failure) -> [Float]? {
    guard isPossible(channels: channels) else { return nil }
    let magnitude = magnitude(channels: channels)
    let reader = weights.reader()
    let row = try FloatBuffer(count: channels, isBrief: true)
    var first: [Float] = []
    for index in 0..<channels {
      try reader.read(channels, into: row.base)
      if index == 0 { first = (0..<channels).map { row.base[$0] } }
      for column in 0..<channels {
        guard row.base[column] == (isNegative(index, column) ? -first[column] : first[column]) else { return nil }
      }
    }
    guard first.allSatisfy({ abs($0) == magnitude }) else { return nil }
    return first.map { $0 < 0 ? -1 : 1 }
  }
}
