import Basics
import Execution
import Kernels
import Support
import Testing

@testable import Flows

/// Log-likelihoods against the double-precision values of Tests/Fixtures/make_detector.py.
@Suite struct FlowTests {
  static func logLikelihoods(_ fixture: DetectorFixture.FlowCase) throws -> [Float] {
    let description = try fixture.description
    let grid = Grid(height: fixture.height, width: fixture.width, channels: fixture.channels)
    let weights = try Generated.flowWeights("flow/\(fixture.case)/", channels: fixture.channels, description)
    let flow = try Flow(description, weights: weights, grid: grid, memory: WeightMemory(), workers: Workers(count: 2))
    let session = try FlowSession([flow], workers: Workers(count: 2))
    let fibers = Generated.unit("flow/\(fixture.case)/fibers", count: grid.count).map { Float(1.5 * $0) }
    var values = [Float](repeating: 0, count: grid.positions)
    fibers.withUnsafeBufferPointer { fibers in
      guard let fibers = fibers.baseAddress else { return }
      session.logLikelihoods(features: [fibers], into: &values)
    }
    return values
  }

  @Test func logLikelihoodsEqualTheReference() throws {
    for fixture in try DetectorFixture.load().flows {
      let expected = try DetectorFixture.values(fixture.values)
      let values = try Self.logLikelihoods(fixture)
      expectClose(values, expected, within: 1e-4, fixture.case)
      expectCloseOnAverage(values, expected, within: 2e-5, fixture.case)
    }
  }

  @Test func theWrittenDownTransformGivesTheSameLikelihood() throws {
    for fixture in try DetectorFixture.load().flows {
      let description = try fixture.description
      let weights = try Generated.flowWeights("flow/\(fixture.case)/", channels: fixture.channels, description)
      let transform = try FlowTransform(
        grid: Grid(height: 1, width: 1, channels: fixture.channels), description: description, weights: weights)
      let positions = fixture.height * fixture.width
      let fibers = Generated.unit("flow/\(fixture.case)/fibers", count: positions * fixture.channels).map { 1.5 * $0 }
      let conditions = PositionalEncoding.table(
        height: fixture.height, width: fixture.width, channels: fixture.condition_channels)
      let expected = try DetectorFixture.values(fixture.values)
      for position in stride(from: 0, to: positions, by: 3) {
        let fiber = Array(fibers[position * fixture.channels..<(position + 1) * fixture.channels])
        let condition = Array(
          conditions[position * fixture.condition_channels..<(position + 1) * fixture.condition_channels])
        let value = try transform.logLikelihood(fiber, condition: condition)
        expectClose(value, expected[position], within: 1e-6, "\(fixture.case) position \(position)")
        let (z, _) = try transform.forward(fiber, condition: condition)
        let back = try transform.inverse(z, condition: condition)
        expectClose(back, fiber, within: 1e-4, "\(fixture.case) position \(position)")
      }
    }
  }

  @Test func aFlowLongerThanAChunkIsCutWithoutASeam() throws {
    // Without a condition, a fiber's value must not depend on where in a chunk it lies.
    let description = try FlowDescription(blockCount: 2, conditionChannels: 0)
    let weights = try Generated.flowWeights("seam/", channels: 6, description)
    let fibers = Generated.unit("seam/fibers", count: 1200 * 6).map { Float($0) }
    func values(_ range: Range<Int>) throws -> [Float] {
      let grid = Grid(height: 1, width: range.count, channels: 6)
      let flow = try Flow(description, weights: weights, grid: grid, memory: WeightMemory(), workers: Workers(count: 2))
      let session = try FlowSession([flow], workers: Workers(count: 1))
      var values = [Float](repeating: 0, count: range.count)
      fibers.withUnsafeBufferPointer { fibers in
        guard let fibers = fibers.baseAddress else { return }
        session.logLikelihoods(features: [fibers + range.lowerBound * 6], into: &values)
      }
      return values
    }
    let all = try values(0..<1200)
    for start in [1, 90, 95, 96, 97, 700] { #expect(try values(start..<1200) == Array(all[start...])) }
  }

  /// Weights that were kept in 16 bits for a while: their rotations change lengths, the last one's too.
  @Test func roundedRotationsCountAsTheyAre() throws {
    for channels in [24, 40, 64] {
      let description = try FlowDescription(blockCount: 2, conditionChannels: 0)
      var weights = try Generated.flowWeights("rounded/", channels: channels, description)
      for block in 0..<2 {
        let key = "module_list.\(block).w_perm"
        let exact = try weights.values(key, shape: [channels, channels])
        // Rounded to 12 bits, halves up.
        let rounded = exact.map { Float(bitPattern: ($0.bitPattern &+ 0x800) & 0xFFFF_F000) }
        weights[key] = try Tensor(shape: [channels, channels], values: rounded)
      }
      let grid = Grid(height: 4, width: 4, channels: channels)
      let flow = try Flow(description, weights: weights, grid: grid, memory: WeightMemory(), workers: Workers(count: 1))
      let transform = try FlowTransform(grid: grid, description: description, weights: weights)
      let fibers = Generated.unit("rounded/fibers", count: grid.count).map { Float(4 * $0) }
      var values = [Float](repeating: 0, count: grid.positions)
      try fibers.withUnsafeBufferPointer { fibers in
        let base = try #require(fibers.baseAddress)
        try FlowSession([flow], workers: Workers(count: 1)).logLikelihoods(features: [base], into: &values)
      }
      for (position, value) in values.enumerated() {
        let fiber = fibers[position * channels..<(position + 1) * channels].map(Double.init)
        let expected = try transform.logLikelihood(fiber, condition: [])
        expectClose(value, expected, within: 2e-6 * max(abs(expected), 1), "\(channels), position \(position)")
      }
    }
  }

  /// Rows of fibers and of the hidden layer are padded to cache lines of 16 numbers; 17 and 49 channels are one beyond.
  @Test(arguments: [2, 3, 15, 16, 17, 24, 33, 49, 65], [FlowDescription.Permutation.soft, .hard])
  func fibersOfAnyWidth(channels: Int, permutation: FlowDescription.Permutation) throws {
    let description = try FlowDescription(blockCount: 3, conditionChannels: 8, permutation: permutation)
    let weights = try Generated.flowWeights("width/", channels: channels, description)
    let grid = Grid(height: 3, width: 5, channels: channels)
    let flow = try Flow(description, weights: weights, grid: grid, memory: WeightMemory(), workers: Workers(count: 2))
    let transform = try FlowTransform(grid: grid, description: description, weights: weights)
    let fibers = Generated.unit("width/fibers", count: grid.count).map { Float($0) }
    let conditions = PositionalEncoding.table(height: grid.height, width: grid.width, channels: 8)
    var values = [Float](repeating: 0, count: grid.positions)
    try fibers.withUnsafeBufferPointer { fibers in
      let base = try #require(fibers.baseAddress)
      try FlowSession([flow], workers: Workers(count: 2)).logLikelihoods(features: [base], into: &values)
    }
    for (position, value) in values.enumerated() {
      let fiber = fibers[position * channels..<(position + 1) * channels].map(Double.init)
      let condition = Array(conditions[position * 8..<(position + 1) * 8])
      let expected = try transform.logLikelihood(fiber, condition: condition)
      expectClose(value, expected, within: 2e-5 * max(abs(expected), 1), "position \(position)")
    }
  }

  /// What a session is said to hold: for each thread three rows of 48 numbers (24 channels in an odd number of cache lines) and the
  /// hidden layer's of 48 for each of 16 fibers, and two numbers for each of the 132 fibers of a chunk.
  @Test func memoryOfASessionIsKnown() throws {
    let description = try FlowDescription(blockCount: 1, conditionChannels: 0)
    let weights = try Generated.flowWeights("memory/", channels: 24, description)
    let grid = Grid(height: 4, width: 4, channels: 24)
    let flow = try Flow(description, weights: weights, grid: grid, memory: WeightMemory(), workers: Workers(count: 1))
    #expect(FlowSession.scratchCount([flow], workerCount: 3) == 3 * (16 * (3 * 48 + 48) + 2 * 132))
  }

  @Test func theEncodingIsTheOriginals() {
    // f_1 = exp(-2 ln(10000) / 64) = 0.749894; row 2, column 3.
    let table = PositionalEncoding.table(height: 3, width: 4, channels: 128)
    let row = table[(2 * 4 + 3) * 128..<(2 * 4 + 4) * 128].map { $0 }
    // sin 3, cos 3, sin(3 f_1), sin 2, cos(2 f_1)
    expectClose(
      [0, 1, 2, 64, 67].map { row[$0] }, [0.141_120_01, -0.989_992_5, 0.778_272_5, 0.909_297_4, 0.070_948_25],
      within: 1e-5)
  }

  @Test func damagedWeightsAreRefused() throws {
    let soft = try FlowDescription(blockCount: 2, conditionChannels: 4)
    let hard = try FlowDescription(blockCount: 2, conditionChannels: 4, permutation: .hard)
    let grid = Grid(height: 2, width: 2, channels: 4)
    func kind(_ description: FlowDescription, _ change: (inout StateDictionary) throws -> Void) throws -> Failure.Kind?
    {
      var weights = try Generated.flowWeights("damaged/", channels: 4, description)
      try change(&weights)
      do throws(Failure) {
        _ = try Flow(description, weights: weights, grid: grid, memory: WeightMemory(), workers: Workers(count: 2))
        return nil
      } catch { return error.kind }
    }
    #expect(try kind(soft) { _ in } == nil)
    #expect(try kind(soft) { $0["module_list.1.subnet.2.bias"] = nil } == .format)
    #expect(
      try kind(soft) {
        $0["module_list.1.w_perm"] = try Tensor(shape: [4, 4], values: (0..<16).map { $0 % 5 == 0 ? 1.01 : 0 })
      } == .format)
    #expect(
      try kind(soft) {
        $0["module_list.0.global_scale"] = try Tensor(shape: [1, 4], values: [-3000, 1, 1, 1])
      } == .format)
    #expect(try kind(hard) { $0["module_list.0.w_perm"] = try Tensor(shape: [4], values: [0, 1, 1, 3]) } == .format)
    #expect(try kind(hard) { $0["module_list.0.w_perm"] = try Tensor(shape: [4], values: [0, 1, 2, 4]) } == .format)
    #expect(try kind(hard) { $0["module_list.0.w_perm"] = try Tensor(shape: [4], values: [0, 1, 2, 2.5]) } == .format)
    // FrEIA's matrix form of a permutation is accepted.
    #expect(
      try kind(hard) {
        $0["module_list.0.w_perm"] = try Tensor(
          shape: [4, 4], values: [0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0])
      } == nil)
  }
}
