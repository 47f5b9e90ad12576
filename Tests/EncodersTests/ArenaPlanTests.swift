import Basics
import Kernels
import Testing

@testable import Encoders

/// That a value's memory is its own from the step that writes it to the last one that reads it.
@Suite struct ArenaPlanTests {
  /// Runs a graph on an arena whose cache lines know whose they are.
  private func check(_ graph: Graph, _ maps: [MapShape]) {
    let plan = ArenaPlan(graph.lifetimes(of: maps))
    guard plan.offsets.count == graph.layers.count, plan.offsets.allSatisfy({ $0 % ArenaPlan.alignment == 0 }) else {
      Issue.record("not every value has a place")
      return
    }
    func lines(_ value: Int) -> Range<Int> {
      let first = plan.offsets[value - 1] / ArenaPlan.alignment
      return first..<first + (maps[value].byteCount + ArenaPlan.alignment - 1) / ArenaPlan.alignment
    }
    var owners = [Int](repeating: 0, count: plan.byteCount / ArenaPlan.alignment)
    func isWhole(_ value: Int) -> Bool { value == 0 || owners[lines(value)].allSatisfy { $0 == value } }
    for (index, layer) in graph.layers.enumerated() {
      guard lines(index + 1).upperBound <= owners.count else {
        Issue.record("value \(index + 1) ends behind the arena")
        return
      }
      for line in lines(index + 1) { owners[line] = index + 1 }
      // It is written while the operands are read: these must be there still.
      if !layer.operands.allSatisfy(isWhole) { Issue.record("layer \(index) reads what was overwritten") }
    }
    if !graph.levels.allSatisfy(isWhole) { Issue.record("a level was overwritten") }
    #expect(plan.byteCount <= maps.dropFirst().reduce(0) { $0 + $1.byteCount + ArenaPlan.alignment })
  }

  private func randomMaps(_ count: Int, _ random: inout Random) -> [MapShape] {
    (0..<count).map { _ in
      let grid = Grid(
        height: index(in: 1...9, &random), width: index(in: 1...9, &random), channels: index(in: 1...40, &random))
      return MapShape(
        grid, batch: index(in: 1...3, &random), element: index(in: 0...1, &random) == 0 ? .float32 : .uint8)
    }
  }

  private func index(in range: ClosedRange<Int>, _ random: inout Random) -> Int {
    range.lowerBound + Int(random.next() % UInt64(range.count))
  }

  @Test func noTwoLiveValuesOverlapInRandomGraphs() {
    var random = Random(seed: 12, purpose: "arena")
    for _ in 0..<300 {
      let count = index(in: 1...40, &random)
      let layers = (0..<count).map { number in
        // Often the value before, sometimes one from long ago: values that nobody reads are among them.
        let input = index(in: 0...2, &random) > 0 ? number : index(in: 0...number, &random)
        let second = index(in: 0...2, &random) == 0 ? index(in: 0...number, &random) : nil
        return LayerSpec(operation: .add, input: input, second: second, channels: 1)
      }
      let levels = (0..<index(in: 1...3, &random)).map { _ in index(in: 1...count, &random) }
      check(Graph(layers: layers, levels: levels), randomMaps(count + 1, &random))
    }
  }

  @Test(arguments: GraphTests.tapped.indices) func norInAnyArchitecture(index: Int) throws {
    let (architecture, taps) = GraphTests.tapped[index]
    let graph = try GraphTests.graph(architecture, taps)
    var random = Random(seed: 12, purpose: "arena")
    check(graph, randomMaps(graph.layers.count + 1, &random))
  }

  @Test func aChainTakesTwoPlaces() {
    let layers = (0..<6).map { LayerSpec(operation: .globalAverage, input: $0, channels: 16) }
    let maps = [MapShape](repeating: MapShape(Grid(height: 2, width: 3, channels: 16)), count: 7)
    #expect(ArenaPlan(Graph(layers: layers, levels: [6]).lifetimes(of: maps)).byteCount == 2 * 6 * 64)
  }

  @Test func bytesAreThoseOfBatchGridAndElement() {
    #expect(MapShape(Grid(height: 2, width: 3, channels: 5), batch: 7).byteCount == 4 * 2 * 3 * 5 * 7)
  }
}
