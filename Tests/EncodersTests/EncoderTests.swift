import Basics
import Execution
import Kernels
import Layers
import Support
import Testing

@testable import Encoders

/// Features against the double-precision values of Tests/Fixtures/make_detector.py.
@Suite struct EncoderTests {
  static func encoder(
    _ architecture: String, _ padding: Padding, taps: Int = 3, inputSize: EncoderInputSize? = nil
  ) throws -> Encoder {
    try Encoder(
      EncoderDescription(
        architecture: architecture, padding: padding, taps: Encoder.taps(architecture: architecture).suffix(taps)),
      weights: Generated.encoderWeights(architecture), inputSize: inputSize)
  }

  static func input(height: Int, width: Int) -> [Float] {
    let planes = Generated.unit("input/\(height)x\(width)", count: 3 * height * width)
    return (0..<3 * height * width).map { Float(2 * planes[$0 % 3 * height * width + $0 / 3]) }
  }

  @Test(arguments: [false, true])
  func featuresEqualTheReference(isForTheInputSize: Bool) throws {
    for fixture in try DetectorFixture.load().encoders {
      let padding = try #require(Padding(rawValue: fixture.padding))
      let encoder = try Self.encoder(
        fixture.architecture, padding,
        inputSize: isForTheInputSize ? EncoderInputSize(height: fixture.height, width: fixture.width) : nil)
      let session = try EncoderSession(
        encoder, height: fixture.height, width: fixture.width, workers: Workers(count: 2))
      session.run(Self.input(height: fixture.height, width: fixture.width))
      for (index, level) in fixture.levels.enumerated() {
        #expect(session.levelGrids[index] == Grid(height: level.height, width: level.width, channels: level.channels))
        let features = session.features[index]
        let expected = try DetectorFixture.values(level.values)
        expectClose(
          expected.indices.map { features[$0 * level.stride] }, expected, within: 1e-5 * level.max_abs,
          "\(fixture.architecture) \(padding) level \(index)")
      }
    }
  }

  @Test func aRunLeavesNothingBehind() throws {
    let encoder = try Self.encoder("efficientnet_lite0", .same)
    let session = try EncoderSession(encoder, height: 64, width: 96, workers: Workers(count: 1))
    let fresh = try EncoderSession(encoder, height: 64, width: 96, workers: Workers(count: 1))
    let input = Self.input(height: 64, width: 96)
    session.run([Float](repeating: 3, count: input.count))
    session.run(input)
    fresh.run(input)
    for level in 0..<3 {
      let count = session.levelGrids[level].count
      #expect(
        UnsafeBufferPointer(start: session.features[level], count: count).elementsEqual(
          UnsafeBufferPointer(start: fresh.features[level], count: count)))
    }
  }

  @Test func fewerTapsGiveTheSameCoarseLevels() throws {
    let input = Self.input(height: 64, width: 64)
    let all = try EncoderSession(
      Self.encoder("efficientnet_lite0", .same), height: 64, width: 64, workers: Workers(count: 1))
    let one = try EncoderSession(
      Self.encoder("efficientnet_lite0", .same, taps: 1), height: 64, width: 64, workers: Workers(count: 1))
    all.run(input)
    one.run(input)
    #expect(one.levelGrids == [all.levelGrids[2]])
    let count = one.levelGrids[0].count
    // The last block's projection is a tap in both, so the arithmetic is the same but for the residuals' order.
    expectClose(
      UnsafeBufferPointer(start: one.features[0], count: count),
      UnsafeBufferPointer(start: all.features[2], count: count),
      within: 1e-5)
  }

  @Test func wrongDescriptionsAreRefused() throws {
    let weights = try Generated.encoderWeights("resnet18")
    func kind(_ architecture: String, _ padding: Padding, _ taps: [String], _ weights: StateDictionary) -> Failure.Kind?
    {
      do throws(Failure) {
        _ = try Encoder(EncoderDescription(architecture: architecture, padding: padding, taps: taps), weights: weights)
        return nil
      } catch { return error.kind }
    }
    let taps = ["layer2", "layer3", "layer4"]
    #expect(kind("resnet18", .zeros, taps, weights) == nil)
    #expect(kind("resnet19", .zeros, taps, weights) == .unsupported)
    #expect(kind("resnet18", .same, taps, weights) == .unsupported)
    #expect(kind("resnet18", .zeros, [], weights) == .unsupported)
    #expect(kind("resnet18", .zeros, ["layer2"], weights) == .unsupported)
    var damaged = weights
    damaged["layer3.0.conv1.weight"] = nil
    #expect(kind("resnet18", .zeros, taps, damaged) == .format)
    damaged = weights
    damaged["bn1.running_var"] = try Tensor(shape: [64], values: [Float](repeating: -1, count: 64))
    #expect(kind("resnet18", .zeros, taps, damaged) == .format)
    damaged = weights
    damaged["bn1.bias"] = try Tensor(shape: [64], values: [Float](repeating: .nan, count: 64))
    #expect(kind("resnet18", .zeros, taps, damaged) == .format)
  }

  @Test func aMapTooSmallToMirrorIsRefused() throws {
    let encoder = try Self.encoder("resnet18", .reflect)
    #expect(throws: Failure.self) { try EncoderSession(encoder, height: 32, width: 32, workers: Workers(count: 1)) }
    _ = try EncoderSession(encoder, height: 64, width: 64, workers: Workers(count: 1))
  }
}
