import Basics
import Testing

@testable import Encoders

/// The passes over an encoder's graph. That features stay the same is for ``ArchitectureTests``.
@Suite struct GraphTests {
  /// Every architecture, with its features before the residual, behind it and at both.
  static let tapped: [(architecture: Architecture, taps: [String])] = Architecture.all.flatMap { architecture in
    [architecture.taps, architecture.residualTaps ?? architecture.taps, architecture.allTaps].map { (architecture, $0) }
  }

  static func graph(
    _ architecture: Architecture, _ taps: [String], for inputSize: EncoderInputSize? = nil
  ) throws -> Graph {
    try architecture.graph(padding: architecture.paddings[0], taps: taps)
      .withoutUnusedLayers.fusingEpilogues.choosingAlgorithms(for: inputSize)
  }

  private func count(_ graph: Graph, _ isCounted: (OperationSpec) -> Bool) -> Int {
    graph.layers.filter { isCounted($0.operation) }.count
  }

  private func algorithms(_ graph: Graph) -> Set<ConvolutionAlgorithm> {
    Set(
      graph.layers.compactMap {
        if case .convolution(let convolution) = $0.operation { convolution.algorithm } else { nil }
      })
  }

  @Test(arguments: tapped.indices) func everyLayerIsOfUse(index: Int) throws {
    let (architecture, taps) = Self.tapped[index]
    let graph = try Self.graph(architecture, taps)
    #expect(graph.readers.dropFirst().allSatisfy { $0 > 0 })
    #expect(graph.levels.max() == graph.layers.count)
    for (index, layer) in graph.layers.enumerated() { #expect(layer.operands.allSatisfy { $0 <= index }) }
  }

  /// No BatchNorm and no activation is a pass over a map of its own, but for norms behind a convolution that is a level.
  @Test(arguments: tapped.indices) func epiloguesAreFused(index: Int) throws {
    let (architecture, taps) = Self.tapped[index]
    let graph = try Self.graph(architecture, taps)
    #expect(count(graph) { if case .activation = $0 { true } else { false } } == 0)
    for layer in graph.layers {
      guard case .batchNorm = layer.operation else { continue }
      #expect(graph.levels.contains(layer.input))
    }
    // An addition by itself needs the map before it as a level, too.
    for layer in graph.layers where layer.operation == .add {
      #expect(layer.operands.contains { graph.levels.contains($0) })
    }
  }

  @Test func whatIsReadTwiceStaysAValue() throws {
    let lite = Architecture.efficientNetLite0
    let residualTaps = try #require(lite.residualTaps)
    for (taps, additions) in [(lite.taps, 2), (residualTaps, 0), (lite.allTaps, 3)] {
      #expect(count(try Self.graph(lite, taps)) { $0 == .add } == additions)
    }
    let large = Architecture.mobileNetV3Large
    for (taps, norms) in [(large.taps, 2), (large.residualTaps ?? [], 0), (large.allTaps, 3)] {
      let graph = try Self.graph(large, taps)
      #expect(count(graph) { if case .batchNorm = $0 { true } else { false } } == norms)
      #expect(count(graph) { $0 == .add } == 0)
    }
  }

  @Test func resNet18IsConvolutionsAndAPool() throws {
    let graph = try Self.graph(.resNet18, Architecture.resNet18.taps)
    #expect(graph.layers.count == 21)
    #expect(count(graph) { if case .convolution(let c) = $0 { c.norm != nil } else { false } } == 20)
    #expect(graph.layers.filter { $0.second != nil }.count == 8)
  }

  @Test func algorithmsAreChosenByShapeAndSize() throws {
    func algorithms(_ architecture: Architecture, _ size: EncoderInputSize?) throws -> Set<ConvolutionAlgorithm> {
      self.algorithms(try Self.graph(architecture, architecture.taps, for: size))
    }
    let size = EncoderInputSize(height: 256, width: 256)
    #expect(try algorithms(.resNet18, size) == [.winograd, .gemm])
    #expect(try algorithms(.resNet18, nil) == [.gemm])
    #expect(try algorithms(.resNet18, EncoderInputSize(height: 16, width: 16)) == [.gemm])
    #expect(try algorithms(.resNeXt50, size) == [.grouped, .gemm])
    #expect(try algorithms(.mobileNetV2, size) == [.depthwise, .gemm])
    #expect(try algorithms(.visionTransformer224, size) == [.gemm])
  }

  @Test func anActivationThatNothingIsBeforeIsRefused() throws {
    let layer = LayerSpec(operation: .activation(.gelu), input: 0, channels: 3)
    let failure = #expect(throws: Failure.self) {
      try layer.prepare(WeightTable([]) { (_, _) throws(Failure) in throw Failure(.format, "") }, in: WeightMemory())
    }
    #expect(failure?.kind == .unsupported)
  }
}
