import Basics
import Glibc

/// The numbers of one coupling block as a checkpoint holds them (FrEIA AllInOneBlock; keys under `module_list.{k}.`),
/// shapes checked. C channels, P condition channels, first part n1 = C - C/2, second part n2 = C/2, hidden 2 (n1 + P).
package struct BlockParameters: Sendable {
  /// How channels mix after the coupling; fixed, never trained.
  package enum Mixing: Sendable {
    /// y = W u, W row-major C x C from SO(C).
    case rotation([Float])
    /// y[i] = u[permutation[i]].
    case permutation([Int32])
  }

  /// `subnet.0`: hidden x (n1 + P) and hidden.
  package let firstWeight: [Float]
  package let firstBias: [Float]
  /// `subnet.2`: 2 n2 x hidden and 2 n2; the first n2 outputs are s, the others t.
  package let secondWeight: [Float]
  package let secondBias: [Float]
  /// Before its activation: C.
  package let globalScale: [Float]
  /// C.
  package let globalOffset: [Float]
  package let mixing: Mixing

  /// Block `index` of a flow over `channels` channels. Errors name the key.
  package init(
    _ weights: StateDictionary, block index: Int, channels: Int, description: FlowDescription
  ) throws(Failure) {
    let shape = BlockShape(channels: channels, conditionChannels: description.conditionChannels)
    let key = "module_list.\(index)"
    firstWeight = try weights.values("\(key).subnet.0.weight", shape: shape.firstWeight)
    firstBias = try weights.values("\(key).subnet.0.bias", shape: [shape.hidden])
    secondWeight = try weights.values("\(key).subnet.2.weight", shape: shape.secondWeight)
    secondBias = try weights.values("\(key).subnet.2.bias", shape: [2 * shape.second])
    globalScale = try weights.values("\(key).global_scale", shape: [1, channels])
    globalOffset = try weights.values("\(key).global_offset", shape: [1, channels])
    let permutationKey = "\(key).w_perm"
    switch description.permutation {
    case .soft:
      _ = try Self.rotate([Double](repeating: 0, count: channels), by: permutationKey, of: weights)
      mixing = .rotation(try weights.values(permutationKey, shape: [channels, channels]))
    case .hard: mixing = .permutation(try Self.permutation(permutationKey, of: weights, channels: channels))
    }
  }

  /// g = 0.1 softplus(global_scale), beta 0.5, threshold 20 (torch.nn.Softplus).
  package static func scale(_ globalScale: Float) -> Double {
    let x = 0.5 * Double(globalScale)
    return 0.1 * (x > 20 ? x : log1p(exp(x))) / 0.5
  }
}

extension BlockParameters {
  /// A permutation of channels, which FrEIA stores as indices or as a matrix of zeros and ones.
  static func permutation(_ key: String, of weights: StateDictionary, channels: Int) throws(Failure) -> [Int32] {
    let isMatrix = weights[key]?.shape.count == 2
    let values = try weights.values(key, shape: isMatrix ? [channels, channels] : [channels])
    let indices = isMatrix ? indices(ofPermutationMatrix: values, channels: channels) : indices(values)
    guard let indices, Set(indices) == Set(0..<Int32(channels)) else {
      throw Failure(.format, "the tensor \(key) is not a permutation of \(channels) channels")
    }
    return indices
  }

  private static func indices(_ values: [Float]) -> [Int32]? {
    var indices: [Int32] = []
    for value in values {
      guard let index = Int32(exactly: value) else { return nil }
      indices.append(index)
    }
    return indices
  }

  private static func indices(ofPermutationMatrix matrix: [Float], channels: Int) -> [Int32]? {
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
  /// An exact rotation is not applied after the last block, since it keeps |z|. Whether it does is tried on two vectors,
  /// whose lengths any other matrix keeps only by a rare accident. A rotation that was once rounded to 16 bits changes
  /// squares of lengths by 1e-6 to 1e-4: it has to be applied. What changes them by more is no rotation.
  static func rotate(
    _ vector: [Double], by key: String, of weights: StateDictionary
  ) throws(Failure) -> (vector: [Double], isExact: Bool) {
    let channels = vector.count
    let reader = try weights.weights(key, shape: [channels, channels]).reader()
    let trials = [1, 2].map { seed in (0..<channels).map { sin(Double(($0 + 1) * seed * seed)) + 0.5 } }
    var squares = [0.0, 0.0]
    var rotated: [Double] = []
    let rowsAtOnce = 16
    let rows = try Buffer<Float>(count: rowsAtOnce * channels, isBrief: true)
    for first in stride(from: 0, to: channels, by: rowsAtOnce) {
      let count = min(rowsAtOnce, channels - first)
      try reader.read(count * channels, into: rows.base)
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

/// Sizes within a coupling block.
package struct BlockShape: Sendable {
  /// n1 = C - C/2.
  package let first: Int
  /// n2 = C/2.
  package let second: Int
  /// n1 + P.
  package let subnetInputs: Int
  package let hidden: Int

  /// Shapes of the subnet's weights.
  var firstWeight: [Int] { [hidden, subnetInputs] }
  var secondWeight: [Int] { [2 * second, hidden] }

  package init(channels: Int, conditionChannels: Int) {
    second = channels / 2
    first = channels - second
    subnetInputs = first + conditionChannels
    hidden = 2 * subnetInputs
  }
}
