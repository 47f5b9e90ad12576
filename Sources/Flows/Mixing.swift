import Basics

/// How channels mix after the coupling (FrEIA's `w_perm`); fixed, never trained.
package enum Mixing: Sendable {
  /// y = W u, W [C, C] row-major from SO(C).
  case rotation(SharedFloats)
  /// y[i] = u[indices[i]], and u[i] = y[inverse[i]].
  case permutation(indices: [Int32], inverse: [Int32])

  /// The tensor `key`, checked. Errors name the key.
  init(
    _ weights: StateDictionary, _ key: String, channels: Int, _ permutation: FlowDescription.Permutation
  ) throws(Failure) {
    switch permutation {
    case .soft:
      _ = try Self.rotate([Double](repeating: 0, count: channels), by: key, of: weights)
      self = .rotation(try SharedFloats(weights.values(key, shape: [channels, channels])))
    case .hard:
      let indices = try Self.indices(key, of: weights, channels: channels)
      var inverse = indices
      for (i, index) in indices.enumerated() { inverse[Int(index)] = Int32(i) }
      self = .permutation(indices: indices, inverse: inverse)
    }
  }

  /// A permutation of channels, which FrEIA stores as indices or as a matrix of zeros and ones.
  static func indices(_ key: String, of weights: StateDictionary, channels: Int) throws(Failure) -> [Int32] {
    let isMatrix = weights[key]?.shape.count == 2
    let values = try weights.values(key, shape: isMatrix ? [channels, channels] : [channels])
    let indices = isMatrix ? indices(ofMatrix: values, channels: channels) : exactIndices(values)
    guard let indices, Set(indices) == Set(0..<Int32(channels)) else {
      throw Failure(.format, "the tensor \(key) is not a permutation of \(channels) channels")
    }
    return indices
  }

  private static func exactIndices(_ values: [Float]) -> [Int32]? {
    var indices: [Int32] = []
    for value in values {
      guard let index = Int32(exactly: value) else { return nil }
      indices.append(index)
    }
    return indices
  }

  private static func indices(ofMatrix matrix: [Float], channels: Int) -> [Int32]? {
    var indices: [Int32] = []
    for row in 0..<channels {
      let line = matrix[row * channels..<(row + 1) * channels]
      guard let one = line.firstIndex(of: 1), line.allSatisfy({ $0 == 0 || $0 == 1 }) else { return nil }
      indices.append(Int32(one - line.startIndex))
    }
    return indices
  }

  /// W v for a rotation W, and whether W keeps lengths as exactly as a rotation in float32 does.
  ///
  /// After the last block an exact rotation is left out, since it keeps |z|. Two trial vectors decide whether it is exact;
  /// another matrix would keep both lengths only by a rare accident. A rotation that was once rounded to 16 bits changes
  /// squares of lengths by 1e-6 to 1e-4 and has to be applied. A matrix that changes them by more is no rotation.
  static func rotate(
    _ vector: [Double], by key: String, of weights: StateDictionary
  ) throws(Failure) -> (vector: [Double], isExact: Bool) {
    let reader = try weights.weights(key, shape: [vector.count, vector.count]).reader()
    return try rotate(vector, by: key) { (count, rows) throws(Failure) in try reader.read(count, into: rows) }
  }

  /// The same with a matrix whose rows are given 16 at a time, `count` values.
  static func rotate(
    _ vector: [Double], by key: String, rows read: (_ count: Int, UnsafeMutablePointer<Float>) throws(Failure) -> Void
  ) throws(Failure) -> (vector: [Double], isExact: Bool) {
    let channels = vector.count
    let trials = [1, 2].map { seed in (0..<channels).map { PortableMath.sin(Double(($0 + 1) * seed * seed)) + 0.5 } }
    var squares = [0.0, 0.0]
    var rotated: [Double] = []
    let rowsAtOnce = 16
    let rows = try Buffer<Float>(count: rowsAtOnce * channels, isBrief: true)
    for first in stride(from: 0, to: channels, by: rowsAtOnce) {
      let count = min(rowsAtOnce, channels - first)
      try read(count * channels, rows.base)
      let product = DoubleProduct(matrix: rows.base, columns: channels, stride: channels)
      for row in 0..<count {
        rotated.append(product.row(row, by: vector))
        for (i, trial) in trials.enumerated() {
          let value = product.row(row, by: trial)
          squares[i] += value * value
        }
      }
    }
    let changes = zip(squares, trials).map { (after, trial) in
      let before = trial.reduce(0) { $0 + $1 * $1 }
      return abs(after - before) / before
    }
    guard changes.allSatisfy({ $0 <= 1e-4 }) else {
      throw Failure(.format, "the tensor \(key) is not a rotation: it changes the length of vectors")
    }
    return (rotated, changes.allSatisfy { $0 <= 0x1p-22 })
  }
}
