import Basics
import Execution
import Kernels
import Layers
import Support
import Testing

@testable import Encoders

/// Every architecture against the double-precision features of torchvision's and timm's own modules: see
/// Tests/Fixtures/make_encoders.py.
@Suite(.serialized) struct ArchitectureTests {
  @Test func everyArchitectureHasAFixture() {
    #expect(Set(EncoderFixture.all.map(\.architecture)) == Set(Architecture.all.map(\.name)))
    for architecture in Architecture.all {
      for size in EncoderFixture.all.filter({ $0.architecture == architecture.name }).flatMap(\.cases) {
        #expect(Set(size.levels.map(\.tap)) == Set(architecture.allTaps))
      }
    }
  }

  @Test(arguments: EncoderFixture.all)
  func featuresEqualThePublishedModules(fixture: EncoderFixture) throws {
    try check(fixture, taps: try Encoder.taps(architecture: fixture.architecture))
  }

  /// Where only the block's output is taken, its addition is part of the projection; where both are, a layer of its own.
  @Test(arguments: EncoderFixture.all)
  func soDoBlocksOutputsAloneAndBesideThem(fixture: EncoderFixture) throws {
    let architecture = try Architecture.named(fixture.architecture)
    guard let residualTaps = architecture.residualTaps else { return }
    try check(fixture, taps: residualTaps)
    try check(fixture, taps: architecture.allTaps)
    try check(fixture, taps: [architecture.taps[1], residualTaps[2]])
  }

  private func check(_ fixture: EncoderFixture, taps: [String]) throws {
    let padding = try #require(Padding(rawValue: fixture.padding))
    let description = EncoderDescription(architecture: fixture.architecture, padding: padding, taps: taps)
    // Built for the first case's size, so that the fast forms of layers are met, and run at the others too.
    let inputSize = fixture.cases.first.map { EncoderInputSize(height: $0.height, width: $0.width) }
    let encoder = try Encoder(
      description, inputSize: inputSize, workers: Workers(count: 2)
    ) { (key, shape) throws(Failure) in try fixture.weights(key, shape) }
    try runsOrRefuses(encoder)
    for size in fixture.cases {
      let input = EncoderTests.input(height: size.height, width: size.width)
      let session = try EncoderSession(encoder, height: size.height, width: size.width, workers: Workers(count: 2))
      session.run(input)
      for (index, tap) in taps.enumerated() {
        let level = try #require(size.levels.first { $0.tap == tap })
        #expect(session.levelGrids[index] == Grid(height: level.height, width: level.width, channels: level.channels))
        let first = level.values.offset / 4
        expectClose(
          (0..<level.values.count).map { session.features[index][$0 * level.stride] },
          EncoderFixture.values[first..<first + level.values.count], within: 1e-5 * level.max_abs,
          "\(tap) among \(taps) of \(size.height) x \(size.width)")
      }
      // The bits do not depend on the number of threads.
      let alone = try EncoderSession(encoder, height: size.height, width: size.width, workers: Workers(count: 1))
      alone.run(input)
      for (index, grid) in session.levelGrids.enumerated() {
        #expect(
          UnsafeBufferPointer(start: session.features[index], count: grid.count).elementsEqual(
            UnsafeBufferPointer(start: alone.features[index], count: grid.count)))
      }
    }
  }

  private static func blank(_ architecture: String, taps: Int) throws -> Encoder {
    try blank(architecture, Array(Encoder.taps(architecture: architecture).suffix(taps)))
  }

  private static func blank(_ architecture: String, _ taps: [String], padding: Padding = .zeros) throws -> Encoder {
    let description = EncoderDescription(architecture: architecture, padding: padding, taps: taps)
    return try Encoder(description) { (key, shape) throws(Failure) in
      Weights(try Tensor(shape: shape, values: [Float](repeating: 0, count: shape.reduce(1, *))), key: key)
    }
  }

  @Test func nothingIsComputedAfterTheLastTap() throws {
    let encoder = try Self.blank("vit_base_patch16_224", taps: 2)
    #expect(encoder.usedKeys.contains("blocks.6.mlp.fc2.bias"))
    #expect(!encoder.usedKeys.contains { $0.hasPrefix("blocks.7.") })
    for name in ["mobilenet_v2", "mobilenet_v3_small"] {
      let encoder = try Self.blank(name, taps: 1)
      #expect(encoder.graph.levels == [encoder.graph.layers.count])
    }
    for name in ["mobilenet_v3_large", "tf_efficientnet_b5"] {
      let residualTaps = try #require(try Encoder.residualTaps(architecture: name))
      let encoder = try Self.blank(name, [residualTaps[2]], padding: Architecture.named(name).paddings[0])
      #expect(encoder.graph.levels == [encoder.graph.layers.count])
    }
  }

  @Test func levelsAreTheLastOnesInOrder() throws {
    let lite = Architecture.efficientNetLite0
    let (before, behind) = (lite.taps, try #require(lite.residualTaps))
    #expect(behind == ["_blocks.4", "_blocks.10", "_blocks.14"])
    for taps in [before, behind, Array(behind.suffix(1)), [before[0], behind[1], before[2], behind[2]], lite.allTaps] {
      #expect(lite.gives(taps), "\(taps)")
    }
    for taps in [
      [], [behind[0]], [behind[0], behind[2]], [behind[2], behind[1]], [behind[2], before[2]], [behind[2], behind[2]],
      ["_blocks.5", behind[1], behind[2]], Array(before.prefix(2)),
    ] {
      #expect(!lite.gives(taps), "\(taps)")
    }
    #expect(!Architecture.resNet18.gives(["layer3"]) && Architecture.resNet18.gives(["layer4"]))
  }

  @Test func anInputThatIsNotPatchesIsRefused() throws {
    let encoder = try Self.blank("vit_base_patch16_224", taps: 1)
    #expect(throws: Failure.self) { try encoder.levelGrids(height: 224, width: 230) }
    #expect(try encoder.levelGrids(height: 32, width: 240) == [Grid(height: 2, width: 15, channels: 768)])
  }

  /// Small and odd sizes give finite features or a clear refusal, and nothing else.
  private func runsOrRefuses(_ encoder: Encoder) throws {
    for (height, width) in [(32, 32), (33, 61), (64, 39)] {
      do throws(Failure) {
        let session = try EncoderSession(encoder, height: height, width: width, workers: Workers(count: 2))
        session.run(EncoderTests.input(height: height, width: width))
        for (level, grid) in session.levelGrids.enumerated() {
          #expect(grid.count > 0)
          for i in 0..<grid.count where !session.features[level][i].isFinite {
            Issue.record("level \(level) of \(height) x \(width) is not finite at \(i)")
            break
          }
        }
      } catch {
        #expect(error.kind == .invalidArgument, "\(height) x \(width): \(error.message)")
      }
    }
  }
}
