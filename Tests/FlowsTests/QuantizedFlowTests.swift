import Basics
import Execution
import Kernels
import Support
import Testing

@testable import Flows

/// Flows in integers, as detectors of 8 bits and their files have them.
@Suite struct QuantizedFlowTests {
  private static let grid = Grid(height: 3, width: 5, channels: 11)

  private static func logLikelihoods(
    _ description: FlowDescription, _ weights: StateDictionary, _ precision: Precision = .int8, grid: Grid = grid
  ) throws -> [Float] {
    let flow = try Flow(
      description, weights: weights, grid: grid, precision: precision, memory: WeightMemory(),
      workers: Workers(count: 2))
    let session = try FlowSession([flow], workers: Workers(count: 1))
    var values = [Float](repeating: .nan, count: grid.positions)
    Generated.unit("quantized/fibers", count: grid.count).map { Float(3 * $0) }.withUnsafeBufferPointer { fibers in
      guard let fibers = fibers.baseAddress else { return }
      session.logLikelihoods(features: [fibers], into: &values)
    }
    return values
  }

  private static func weights(_ description: FlowDescription, rank: Int = 11) throws -> StateDictionary {
    var weights = try Generated.flowWeights("quantized/", channels: grid.channels, description)
    if description.start == .gaussian { try GaussianTests.parameters(rank: rank).store(in: &weights) }
    return weights
  }

  private static var descriptions: [FlowDescription] {
    get throws {
      [
        try FlowDescription(blockCount: 3, conditionChannels: 8),
        try FlowDescription(blockCount: 1, conditionChannels: 0),
        try FlowDescription(blockCount: 2, conditionChannels: 8, permutation: .hard, clamp: .scaledTanh),
        try FlowDescription(start: .gaussian, blockCount: 2, conditionChannels: 0),
        try FlowDescription(start: .gaussian, blockCount: 0, conditionChannels: 0),
      ]
    }
  }

  /// A file has what is computed with: integers give the bits of the floats that they were rounded from.
  @Test func integersGiveTheBitsOfWhatTheyWereRoundedFrom() throws {
    for description in try Self.descriptions {
      for rank in [0, 1, 9, 11] where rank == 11 || description.start == .gaussian {
        let weights = try Self.weights(description, rank: rank)
        let integers = try QuantizedFlow.weights(weights, description)
        let values = try Self.logLikelihoods(description, weights)
        #expect(try Self.logLikelihoods(description, integers) == values, "\(description), rank \(rank)")
        #expect(values != (try Self.logLikelihoods(description, weights, .float32)))
        // Blocks behind a Gaussian that fits nothing see values that no training would leave.
        if description.start == .none || description.blockCount == 0 {
          for (value, expected) in zip(values, try Self.logLikelihoods(description, weights, .float32)) {
            expectClose(
              value, Double(expected), within: 0.02 * max(5, abs(Double(expected))), "\(description), rank \(rank)")
          }
        }
        #expect(try QuantizedFlow.weights(integers, description) == integers)
        #expect(integers.tensors.values.contains { $0.format == .int8 } || (rank == 0 && description.blockCount == 0))
        // None of the large ones is left in float32.
        for (key, tensor) in integers.tensors where tensor.format == .float32 {
          #expect(tensor.count <= max(2 * tensor.shape[0], Self.grid.count), "\(key)")
        }
      }
    }
  }

  /// Their scale is 0, which is not negative.
  @Test func rowsOfZerosAreAllowed() throws {
    let description = try FlowDescription(blockCount: 1, conditionChannels: 0)
    var weights = try Self.weights(description)
    for key in ["module_list.0.subnet.0.weight", "module_list.0.subnet.2.weight"] {
      let tensor = try #require(weights[key])
      let zeros = [Float](repeating: 0, count: tensor.shape[1])
      weights[key] = try Tensor(shape: tensor.shape, values: zeros + tensor.values.dropFirst(zeros.count))
    }
    let integers = try QuantizedFlow.weights(weights, description)
    #expect(try integers["module_list.0.subnet.0.weight_scale"]?.values.first == 0)
    let values = try Self.logLikelihoods(description, integers)
    #expect(try values == Self.logLikelihoods(description, weights) && values.allSatisfy(\.isFinite))
  }

  /// The layer of integers in double precision.
  @Test(arguments: [0, 1, 9, 11]) func aGaussianOfBytesIsTheWrittenDownTransform(rank: Int) throws {
    let description = try FlowDescription(start: .gaussian, blockCount: 0, conditionChannels: 0)
    let integers = try QuantizedFlow.weights(Self.weights(description, rank: rank), description)
    #expect(integers["gaussian.basis"]?.format == .int16)
    #expect(integers["gaussian.factors"]?.format == (rank > 0 ? .int8 : nil))
    let transform = try FlowTransform(grid: Self.grid, description: description, weights: integers)
    let fibers = Generated.unit("quantized/fibers", count: Self.grid.count).map { Double(Float(3 * $0)) }
    for (position, value) in try Self.logLikelihoods(description, integers).enumerated() {
      let fiber = Array(fibers[position * Self.grid.channels..<(position + 1) * Self.grid.channels])
      let expected = try transform.logLikelihood(fiber, condition: [], position: position)
      expectClose(value, expected, within: 1e-5 * max(1, abs(expected)), "position \(position)")
    }
  }

  /// The diagonal of a triangle may be far smaller than the rest of its row.
  @Test func aDiagonalStaysAboveZero() throws {
    let description = try FlowDescription(start: .gaussian, blockCount: 0, conditionChannels: 0)
    var weights = try Self.weights(description, rank: 2)
    var factors = [Float](repeating: 0, count: 3 * Self.grid.positions)
    for position in 0..<Self.grid.positions {
      factors.replaceSubrange(3 * position..<3 * position + 3, with: [1, 40, 0.01])
    }
    weights["gaussian.factors"] = try Tensor(shape: [Self.grid.positions, 3], values: factors)
    #expect(try Self.logLikelihoods(description, weights).allSatisfy(\.isFinite))
  }

  /// Rotations that are a Hadamard transform are told by their numbers, and no others are.
  @Test func hadamardRotationsAreKeptAsSigns() throws {
    let grid = Grid(height: 2, width: 3, channels: 64)
    let description = try FlowDescription(blockCount: 3, conditionChannels: 8)
    var weights = try Generated.flowWeights("quantized/", channels: 64, description)
    let signs = Generated.unit("signs", count: 64).map { Float($0 < 0 ? -1 : 1) }
    let matrix = HadamardRotation.matrix(signs: signs)
    let (rotation, key) = ("module_list.1.w_perm", "module_list.1.mixing.signs")
    weights[rotation] = try Tensor(shape: [64, 64], values: matrix)
    let integers = try QuantizedFlow.weights(weights, description)
    #expect(try integers[key]?.values == signs && integers[key]?.format == .int8)
    #expect(integers["module_list.1.mixing.weight"] == nil && integers["module_list.0.mixing.weight"] != nil)
    #expect(integers["module_list.0.mixing.signs"] == nil && integers[rotation] == nil)

    let values = try Self.logLikelihoods(description, integers, grid: grid)
    #expect(try values == Self.logLikelihoods(description, weights, grid: grid))
    let expected = try Self.logLikelihoods(description, weights, .float32, grid: grid).map(Double.init)
    for (value, expected) in zip(values, expected) {
      expectClose(value, expected, within: 0.02 * max(5, abs(expected)))
    }
    #expect(try QuantizedFlow.floats(integers, description)[rotation]?.values == matrix)

    // One number that is another makes it any other rotation, or none.
    var others = matrix
    others[64 * 3 + 7] = others[64 * 3 + 7].nextUp
    weights[rotation] = try Tensor(shape: [64, 64], values: others)
    #expect(try QuantizedFlow.weights(weights, description)[key] == nil)

    for damaged in [signs.map { $0 * 0 }, signs.map { $0 * 2 }, Array(signs.dropLast())] {
      var damagedWeights = integers
      damagedWeights[key] = try Tensor(shape: [damaged.count], values: damaged)
      let failure = #expect(throws: Failure.self) { try Self.logLikelihoods(description, damagedWeights, grid: grid) }
      #expect(failure?.kind == .format)
    }
    var both = integers
    both["module_list.1.mixing.weight"] = integers["module_list.0.mixing.weight"]
    #expect(throws: Failure.self) { try Self.logLikelihoods(description, both, grid: grid) }
  }

  @Test func trainingCanGoOnFromIntegers() throws {
    for description in try Self.descriptions where description.start == .none {
      let weights = try Self.weights(description)
      let integers = try QuantizedFlow.weights(weights, description)
      let floats = try QuantizedFlow.floats(integers, description)
      #expect(Set(floats.keys) == Set(weights.keys.filter { !$0.hasSuffix("w_perm_inv") }))
      #expect(floats.tensors.allSatisfy { weights[$0]?.shape == $1.shape && $1.format == .float32 })
      let (channels, soft) = (Self.grid.channels, description.permutation == .soft)
      for block in 0..<(soft ? description.blockCount : 0) {
        let rotation = try #require(try floats["module_list.\(block).w_perm"]?.values).map(Double.init)
        for i in 0..<channels {
          for j in 0..<channels {
            let product = (0..<channels).reduce(0) { $0 + rotation[i * channels + $1] * rotation[j * channels + $1] }
            expectClose(product, i == j ? 1 : 0, within: 1e-5, "block \(block), \(i), \(j)")
          }
        }
      }
      // The last block's rotation does not count.
      expectClose(
        try Self.logLikelihoods(description, floats, .float32),
        try Self.logLikelihoods(description, weights, .float32).map(Double.init), within: 0.1, "\(description)")
      #expect(try QuantizedFlow.floats(floats, description) == floats)
    }
  }

  @Test func whatIsNoFlowOfIntegersIsRefused() throws {
    let (block, scale) = ("module_list.0.", "weight_scale")
    func changes(_ key: String) -> [(String, (inout StateDictionary) throws -> Void)] {
      func replaced(_ value: Float) -> (inout StateDictionary) throws -> Void {
        { weights in
          var values = try weights[key]?.values ?? []
          values[values.count / 2] = value
          weights[key] = try Tensor(shape: weights[key]?.shape ?? [], values: values)
        }
      }
      let outOfRange: [(String, (inout StateDictionary) throws -> Void)] =
        switch key {
        case "gaussian.factors_scale": [("above 0", replaced(-1)), ("above 0", replaced(0))]
        case _ where key.hasSuffix("_scale"): [("negative", replaced(-1))]
        default: [("integer", replaced(0.5)), ("integer", replaced(128))]
        }
      return [
        ("missing", { $0[key] = nil }),
        ("shape", { weights in weights[key] = try Tensor(shape: [1], values: [1]) }),
        ("finite", replaced(.nan)), ("finite", replaced(.infinity)),
      ] + outOfRange
    }
    let flows = try FlowDescription(blockCount: 2, conditionChannels: 8)
    let gaussian = try FlowDescription(start: .gaussian, blockCount: 0, conditionChannels: 0)
    for (description, keys) in [
      (flows, [block + "subnet.0.weight", block + "subnet.2.weight", block + "subnet.2." + scale]),
      (flows, [block + "mixing.weight", block + "mixing." + scale]),
      (gaussian, ["gaussian.factors", "gaussian.factors_scale", "gaussian.basis_scale"]),
    ] {
      let good = try QuantizedFlow.weights(Self.weights(description), description)
      for key in keys {
        for (reason, change) in changes(key) where !(key == "gaussian.factors" && reason == "missing") {
          var weights = good
          try change(&weights)
          let error = #expect(throws: Failure.self, "\(key), \(reason)") {
            try Self.logLikelihoods(description, weights)
          }
          #expect(error?.kind == .format, "\(key), \(reason)")
          let message = error?.message ?? ""
          #expect(message.contains(reason == "shape" ? "s" : reason), "\(key), \(reason): \(message)")
        }
      }
      let mixed = #expect(throws: Failure.self) { try Self.logLikelihoods(description, good, .float32) }
      #expect(mixed?.kind == .format && mixed?.message.contains("not one of 8 bits") ?? false)
    }
    // A scale of 0 makes no triangle.
    var weights = try QuantizedFlow.weights(Self.weights(gaussian), gaussian)
    let shape = [Self.grid.positions, 11]
    weights["gaussian.factors_scale"] = try Tensor(shape: shape, values: .init(repeating: 0, count: 11 * shape[0]))
    #expect(throws: Failure.self) { try Self.logLikelihoods(gaussian, weights) }
  }
}
