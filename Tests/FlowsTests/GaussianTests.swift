import Basics
import Execution
import Foundation
import Kernels
import Support
import Testing

@testable import Flows

/// The Gaussian as a flow's first layer, against the same written down in double precision.
@Suite struct GaussianTests {
  static let grid = Grid(height: 3, width: 5, channels: 11)

  /// A layer with rotated axes, unequal scales and triangles of rank `rank`.
  static func parameters(rank: Int, hasPositionMeans: Bool = true) throws -> GaussianParameters {
    let flow = try FlowDescription(blockCount: 1, conditionChannels: 0)
    let rotation = try #require(
      Generated.flowWeights("gaussian/", channels: grid.channels, flow)["module_list.0.w_perm"])
    let count = GaussianParameters.triangleCount(rank)
    var factors = Generated.unit("gaussian/factors", count: grid.positions * count).map { Float(0.3 * $0) }
    for position in 0..<grid.positions {
      for row in 0..<rank {
        factors[position * count + GaussianParameters.triangleCount(row + 1) - 1] = 0.5 + Float(row + position) / 20
      }
    }
    return try GaussianParameters(
      mean: Generated.unit("gaussian/mean", count: hasPositionMeans ? grid.count : grid.channels).map { Float(3 * $0) },
      basis: try rotation.values, scale: (0..<grid.channels).map { 0.4 + Float($0) / 3 }, factors: factors, rank: rank)
  }

  private static func logLikelihoods(
    _ description: FlowDescription, _ weights: StateDictionary, _ fibers: [Double]
  ) throws -> [Float] {
    let flow = try Flow(description, weights: weights, grid: grid, memory: WeightMemory(), workers: Workers(count: 2))
    let session = try FlowSession([flow], workers: Workers(count: 2))
    var values = [Float](repeating: .nan, count: grid.positions)
    fibers.map { Float($0) }.withUnsafeBufferPointer { fibers in
      guard let fibers = fibers.baseAddress else { return }
      session.logLikelihoods(features: [fibers], into: &values)
    }
    return values
  }

  @Test(arguments: [0, 1, 8, 11], [0, 2])
  func likelihoodsEqualTheWrittenDownTransform(rank: Int, blocks: Int) throws {
    for hasPositionMeans in [true, false] {
      let description = try FlowDescription(start: .gaussian, blockCount: blocks, conditionChannels: 8)
      var weights = try Generated.flowWeights("gaussian/", channels: Self.grid.channels, description)
      try Self.parameters(rank: rank, hasPositionMeans: hasPositionMeans).store(in: &weights)
      let transform = try FlowTransform(grid: Self.grid, description: description, weights: weights)
      let fibers = Generated.unit("gaussian/fibers", count: Self.grid.count).map { 3 * $0 }
      let values = try Self.logLikelihoods(description, weights, fibers)
      let conditions = PositionalEncoding.table(height: Self.grid.height, width: Self.grid.width, channels: 8)
      for position in 0..<Self.grid.positions {
        let fiber = Array(fibers[position * Self.grid.channels..<(position + 1) * Self.grid.channels])
        let condition = Array(conditions[position * 8..<(position + 1) * 8])
        let expected = try transform.logLikelihood(fiber, condition: condition, position: position)
        expectClose(values[position], expected, within: 1e-5 * max(1, abs(expected)), "position \(position)")
        let (z, _) = try transform.forward(fiber, condition: condition, position: position)
        let back = try transform.inverse(z, condition: condition, position: position)
        expectClose(back, fiber, within: 1e-4, "position \(position)")
      }
    }
  }

  @Test func theDensityIntegratesToOne() throws {
    let grid = Grid(height: 1, width: 2, channels: 2)
    let (sine, cosine) = (Float(sin(0.7)), Float(cos(0.7)))
    let parameters = try GaussianParameters(
      mean: [0.3, -0.2, 1, 2], basis: [cosine, -sine, sine, cosine], scale: [0.8, 2],
      factors: [1.2, -0.4, 0.9, 0.7, 0.5, 1.1], rank: 2)
    var weights = StateDictionary()
    try parameters.store(in: &weights)
    let description = try FlowDescription(start: .gaussian, blockCount: 0)
    let transform = try FlowTransform(grid: grid, description: description, weights: weights)
    let step = 0.05
    for position in 0..<2 {
      var sum = 0.0
      for x in stride(from: -10.0, to: 12, by: step) {
        for y in stride(from: -10.0, to: 12, by: step) {
          let value = try transform.logLikelihood(
            [x, y], condition: [Float](repeating: 0, count: 128), position: position)
          sum += exp(2 * value) * step * step
        }
      }
      expectClose(sum, 1, within: 1e-3, "position \(position)")
    }
  }

  @Test func whatIsNoGaussianIsRefused() throws {
    let description = try FlowDescription(start: .gaussian, blockCount: 0)
    var good = StateDictionary()
    try Self.parameters(rank: 3).store(in: &good)
    func refusal(_ change: (inout StateDictionary) throws -> Void) throws -> String {
      var weights = good
      try change(&weights)
      let error = #expect(throws: Failure.self) {
        try Flow(description, weights: weights, grid: Self.grid, memory: WeightMemory(), workers: Workers(count: 1))
      }
      #expect(error?.kind == .format)
      return error?.message ?? ""
    }
    for key in ["gaussian.mean", "gaussian.basis", "gaussian.scale"] {
      #expect(try refusal { $0[key] = nil }.contains("missing"), "\(key)")
    }
    #expect(
      try refusal { $0["gaussian.factors"] = try Tensor(shape: [15, 5], values: .init(repeating: 1, count: 75)) }
        .contains("triangles"))
    #expect(
      try refusal { $0["gaussian.factors"] = try Tensor(shape: [14, 6], values: .init(repeating: 1, count: 84)) }
        .contains("shape"))
    // Whichever value of a diagonal it is.
    for rank in [1, 3] {
      let count = GaussianParameters.triangleCount(rank)
      for position in 0..<15 {
        for row in 1...rank {
          var values = [Float](repeating: 1, count: 15 * count)
          values[position * count + GaussianParameters.triangleCount(row) - 1] = 0
          #expect(
            try refusal { $0["gaussian.factors"] = try Tensor(shape: [15, count], values: values) }
              .contains("above 0"), "rank \(rank), position \(position), row \(row)")
        }
      }
    }
    #expect(
      try refusal { $0["gaussian.scale"] = try Tensor(shape: [11], values: .init(repeating: -1, count: 11)) }
        .contains("above 0"))
    #expect(
      try refusal { $0["gaussian.scale"] = try Tensor(shape: [11], values: .init(repeating: .nan, count: 11)) }
        .isEmpty == false)
    #expect(
      try refusal { $0["gaussian.basis"] = try Tensor(shape: [11, 11], values: .init(repeating: 1, count: 121)) }
        .contains("rotation"))
  }

  @Test func blocksMayBeMissingOnlyBehindAGaussian() throws {
    #expect(throws: Failure.self) { try FlowDescription(blockCount: 0) }
    #expect(try FlowDescription(start: .gaussian, blockCount: 0).blockCount == 0)
  }
}
