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
    firstWeight = try weights.values("\(key).subnet.0.weight", shape: [shape.hidden, shape.subnetInputs])
    firstBias = try weights.values("\(key).subnet.0.bias", shape: [shape.hidden])
    secondWeight = try weights.values("\(key).subnet.2.weight", shape: [2 * shape.second, shape.hidden])
    secondBias = try weights.values("\(key).subnet.2.bias", shape: [2 * shape.second])
    globalScale = try weights.values("\(key).global_scale", shape: [1, channels])
    globalOffset = try weights.values("\(key).global_offset", shape: [1, channels])
    mixing = try Self.mixing(weights, "\(key).w_perm", channels: channels, description.permutation)
  }

  /// g = 0.1 softplus(global_scale), beta 0.5, threshold 20 (torch.nn.Softplus).
  package static func scale(_ globalScale: Float) -> Double {
    let x = 0.5 * Double(globalScale)
    return 0.1 * (x > 20 ? x : log1p(exp(x))) / 0.5
  }
}

extension BlockParameters {
  private static func mixing(
    _ weights: StateDictionary, _ key: String, channels: Int, _ kind: FlowDescription.Permutation
  ) throws(Failure) -> Mixing {
    switch kind {
    case .soft:
      let matrix = try weights.values(key, shape: [channels, channels])
      guard isRotation(matrix, channels: channels) else {
        throw Failure(.format, "the tensor \(key) is not a rotation: it changes the length of vectors")
      }
      return .rotation(matrix)
    case .hard:
      // FrEIA stores the permutation as a matrix of zeros and ones.
      let isMatrix = weights[key]?.shape.count == 2
      let values = try weights.values(key, shape: isMatrix ? [channels, channels] : [channels])
      let indices = isMatrix ? indices(ofPermutationMatrix: values, channels: channels) : indices(values)
      guard let indices, Set(indices) == Set(0..<Int32(channels)) else {
        throw Failure(.format, "the tensor \(key) is not a permutation of \(channels) channels")
      }
      return .permutation(indices)
    }
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

  /// The last block's rotation is never applied, since it keeps |z|; that is only true of a rotation, so a matrix
  /// that is none must not pass. It is tried on two vectors, which any other matrix keeps only by a rare accident.
  private static func isRotation(_ matrix: [Float], channels: Int) -> Bool {
    matrix.withUnsafeBufferPointer { matrix in
      guard let base = matrix.baseAddress else { return false }
      let product = DoubleProduct(matrix: base, columns: channels, stride: channels)
      return [1, 2].allSatisfy { seed in
        let vector = (0..<channels).map { sin(Double(($0 + 1) * seed * seed)) + 0.5 }
        var before = 0.0
        var after = 0.0
        for row in 0..<channels {
          let sum = product.row(row, by: vector)
          before += vector[row] * vector[row]
          after += sum * sum
        }
        return abs(after - before) <= 1e-4 * before
      }
    }
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

  package init(channels: Int, conditionChannels: Int) {
    second = channels / 2
    first = channels - second
    subnetInputs = first + conditionChannels
    hidden = 2 * subnetInputs
  }
}
