import Basics
import Execution
import Foundation
import Layers
import Support
import Testing

@testable import Encoders

/// Encoders of 8 bits, to the bit, against Tests/Fixtures/make_quantized.py.
@Suite struct QuantizedEncoderTests {
  private static func encoder(
    _ fixture: QuantizedFixture.Case, changing changed: (String, Float)? = nil
  ) throws -> Encoder {
    let description = EncoderDescription(
      architecture: fixture.architecture, padding: try #require(Padding(rawValue: fixture.padding)),
      taps: try Encoder.taps(architecture: fixture.architecture), precision: .int8)
    let source = fixture.source
    return try Encoder(description) { (key, shape) throws(Failure) in
      guard key == changed?.0, let value = changed?.1 else { return try source(key, shape) }
      return Weights(
        try Tensor(shape: shape, values: [Float](repeating: value, count: shape.reduce(1, *))), key: key)
    }
  }

  private static func features(
    _ encoder: Encoder, _ pixels: [UInt8], height: Int, width: Int, threads: Int
  ) throws -> [[Float]] {
    let session = try EncoderSession(encoder, height: height, width: width, workers: Workers(count: threads))
    // A run leaves nothing behind.
    session.run([UInt8](repeating: 77, count: pixels.count))
    session.run(pixels)
    return session.levelGrids.enumerated().map { level, grid in
      [Float](UnsafeBufferPointer(start: session.features[level], count: grid.count))
    }
  }

  @Test(arguments: 0..<3) func featuresHaveTheReferencesBits(index: Int) throws {
    let fixture = try #require(QuantizedFixture.all)
    let expected = fixture.encoders[index]
    let encoder = try Self.encoder(expected)
    for threads in [1, 2, 3] {
      let levels = try Self.features(
        encoder, fixture.pixels, height: fixture.height, width: fixture.width, threads: threads)
      for (level, values) in levels.enumerated() {
        let expected = expected.levels[level]
        #expect(values.count == expected.shape.reduce(1, *))
        #expect(Array(values.prefix(16)) == expected.first)
        #expect(Self.fingerprint(values) == expected.fingerprint)
      }
    }
  }

  private static func fingerprint(_ values: [Float]) -> String {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    values.withUnsafeBytes { bytes in
      for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    }
    return String(hash, radix: 16)
  }

  @Test(arguments: [
    ("_conv_stem.weight", Float(0.5)), ("_conv_stem.weight", 32_640), ("_blocks.1._expand_conv.weight", 128),
    ("_blocks.1._expand_conv.weight", -0.25), ("_blocks.1._depthwise_conv.weight", 10_000),
    ("_blocks.1._depthwise_conv.weight", 40_000), ("_blocks.1._depthwise_conv.weight", 1.5),
    ("_conv_stem.output_scale", 0), ("_conv_stem.output_scale", -1),
    ("_conv_stem.output_zero", 256), ("_conv_stem.output_zero", -1), ("_conv_stem.output_zero", 3.5),
    ("border", 256), ("border", 0.5), ("_conv_stem.offset", .nan), ("_conv_stem.multiplier", .infinity),
  ])
  func tensorsThatMakeNoBytesAreRefused(key: String, value: Float) throws {
    let fixture = try #require(QuantizedFixture.all?.encoders.first { $0.architecture == "efficientnet_lite0" })
    let failure = #expect(throws: Failure.self) { try Self.encoder(fixture, changing: (key, value)) }
    #expect(failure?.kind == .format)
  }
}

extension QuantizedEncoderTests {
  @Test(arguments: [
    ("features.4.block.2.fc1.weight", Float(128)), ("features.4.block.2.fc2.weight", 0.5),
    ("features.4.block.2.fc1.weight_scale", -0.1), ("features.4.block.2.fc2.weight_scale", .infinity),
  ])
  func weightsOfSqueezeExciteThatAreNoIntegersAreRefused(key: String, value: Float) throws {
    let fixture = try #require(QuantizedFixture.all?.encoders.first { $0.architecture.hasPrefix("mobilenet") })
    let failure = #expect(throws: Failure.self) { try Self.encoder(fixture, changing: (key, value)) }
    #expect(failure?.kind == .format)
  }
}

/// Encoders of 8 bits that are made of encoders of float32.
@Suite struct EncoderQuantizerTests {
  private static let (height, width) = (128, 96)

  private static func frame(_ number: Int) -> [Float] {
    // Squares of 8 x 8 pixels.
    let squares = Generated.unit("quantized frame \(number)", count: 3 * height * width)
    return (0..<3 * height * width).map { i in
      let (pixel, channel) = (i / 3, i % 3)
      return Float((squares[(pixel / width / 8 * width + pixel % width / 8) * 3 + channel] * 127 + 128).rounded(.down))
    }
  }

  /// Normalised with the means and deviations of ImageNet.
  private static let (mean, deviation): ([Float], [Float]) = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])

  private static func normalized(_ frame: [Float]) -> [Float] {
    frame.indices.map { (frame[$0] / 255 - mean[$0 % 3]) / deviation[$0 % 3] }
  }

  private static func encoder(_ fixture: EncoderFixture) throws -> (EncoderDescription, StateDictionary) {
    let padding = try #require(Padding(rawValue: fixture.padding))
    let description = EncoderDescription(
      architecture: fixture.architecture, padding: padding,
      taps: try Encoder.taps(architecture: fixture.architecture))
    var weights = StateDictionary()
    _ = try Encoder(description) { (key, shape) throws(Failure) in
      let tensor = try fixture.weights(key, shape)
      weights[key] = try Tensor(shape: shape, values: tensor.values)
      return tensor
    }
    return (description, weights)
  }

  /// A range so small cannot be cut into a histogram's parts: their number divided by it is infinite.
  @Test(arguments: [0, Float.leastNonzeroMagnitude, .leastNormalMagnitude])
  func mapsOfNearlyZeroHaveARange(highest: Float) {
    var statistics = MapStatistics(channels: 1)
    statistics.addMoments([0, highest], positions: 2)
    statistics.addHistogram([0, highest], positions: 2)
    let range = statistics.leastSquaresRange
    #expect(range.low == 0 && range.high == highest)
  }

  @Test(arguments: [Float.nan, .infinity, 3e38])
  func valuesThatAreNotFiniteAreRefused(value: Float) throws {
    let fixture = try #require(EncoderFixture.all.first { !$0.architecture.hasPrefix("vit") })
    let (description, weights) = try Self.encoder(fixture)
    let workers = try Workers(count: 2)
    var quantizer = try EncoderQuantizer(
      description, weights: weights, mean: Self.mean, standardDeviation: Self.deviation, workers: workers)
    let frame = [Float](repeating: value, count: 3 * Self.height * Self.width)
    let failure = #expect(throws: Failure.self) {
      try quantizer.quantize(height: Self.height, width: Self.width, workers: workers) { (body) throws(Failure) in
        try frame.withUnsafeBufferPointer { (frame) throws(Failure) in
          if let base = frame.baseAddress { try body(base) }
        }
      }
    }
    #expect(failure?.kind == .diverged)
  }

  @Test(arguments: EncoderFixture.all.filter { !$0.architecture.hasPrefix("vit") })
  func featuresStayNearThoseOfFloat32(_ fixture: EncoderFixture) throws {
    let (description, weights) = try Self.encoder(fixture)
    let workers = try Workers(count: 2)
    var quantizer = try EncoderQuantizer(
      description, weights: weights, mean: Self.mean, standardDeviation: Self.deviation, workers: workers)
    let (quantized, tensors) = try quantizer.quantize(height: Self.height, width: Self.width, workers: workers) {
      (body) throws(Failure) in
      for number in 0..<3 {
        let frame = Self.normalized(Self.frame(number))
        try frame.withUnsafeBufferPointer { (frame) throws(Failure) in
          if let base = frame.baseAddress { try body(base) }
        }
      }
    }
    #expect(quantized.precision == .int8)
    let sessions = (
      try EncoderSession(
        Encoder(description, weights: weights), height: Self.height, width: Self.width, workers: workers),
      try EncoderSession(
        Encoder(quantized, weights: tensors), height: Self.height, width: Self.width, workers: workers)
    )
    let frame = Self.frame(1)
    sessions.0.run(Self.normalized(frame))
    sessions.1.run(frame.map { UInt8($0) })
    for (level, grid) in sessions.0.levelGrids.enumerated() {
      #expect(sessions.1.levelGrids[level] == grid)
      let (exact, bytes) = (sessions.0.features[level], sessions.1.features[level])
      var (error, spread, mean) = (0.0, 0.0, 0.0)
      for i in 0..<grid.count { mean += Double(exact[i]) / Double(grid.count) }
      for i in 0..<grid.count {
        error += pow(Double(bytes[i] - exact[i]), 2)
        spread += pow(Double(exact[i]) - mean, 2)
      }
      // A wrong scale or zero would give other features.
      #expect((error / spread).squareRoot() < 0.2, "level \(level): \((error / spread).squareRoot())")
    }
  }

  @Test func visionTransformersStayInFloat32() throws {
    let description = EncoderDescription(
      architecture: "vit_base_patch16_224", padding: .zeros,
      taps: try Encoder.taps(architecture: "vit_base_patch16_224"), precision: .int8)
    let failure = #expect(throws: Failure.self) {
      try Encoder(description) { (_, _) throws(Failure) in throw Failure(.format, "nothing is read") }
    }
    #expect(failure?.kind == .unsupported)
    #expect(failure?.message.contains("vision transformers stay in float32") == true)
  }
}
