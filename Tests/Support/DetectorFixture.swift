import Basics
import Encoders
import Flows
import Foundation
import Imaging
import Layers
import Scoring

/// The expected numbers of Tests/Fixtures/detector, made by Tests/Fixtures/make_detector.py in double precision.
package struct DetectorFixture: Decodable {
  package struct Slice: Decodable {
    let type: String
    let offset: Int
    let count: Int
  }

  package struct EncoderCase: Decodable {
    package struct Level: Decodable {
      package let height, width, channels, stride: Int
      package let max_abs: Double
      package let values: Slice
    }
    package let architecture, padding: String
    package let height, width: Int
    package let levels: [Level]
  }

  package struct FlowCase: Decodable {
    package let `case`, permutation, clamp: String
    package let channels, blocks, condition_channels, height, width: Int
    package let clamp_alpha: Float
    package let values: Slice
  }

  package struct DetectorCase: Decodable {
    package struct Map: Decodable {
      package let stride: Int
      package let values: Slice
    }
    package struct Result: Decodable {
      package let score: Double
      package let map: Map
      package let log_likelihoods: [Slice]
    }
    package struct Level: Decodable { package let height, width, channels: Int }
    package let `case`, architecture, padding, permutation, clamp: String
    package let width, height, blocks, condition_channels, frame_width, frame_height, frames: Int
    package let mean, standard_deviation, level_maxima: [Double]
    package let clamp_alpha: Float
    package let total, threshold: Double
    package let levels: [Level]
    package let results: [Result]
  }

  package let encoders: [EncoderCase]
  package let flows: [FlowCase]
  package let detectors: [DetectorCase]

  private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Fixtures/detector")

  package static func load() throws -> DetectorFixture {
    try JSONDecoder().decode(DetectorFixture.self, from: Data(contentsOf: folder.appending(path: "index.json")))
  }

  package static func values(_ slice: Slice) throws -> [Double] {
    let data = try Data(contentsOf: folder.appending(path: "values.bin"))
    return data.withUnsafeBytes { bytes in
      (0..<slice.count).map { i in
        slice.type == "float64"
          ? bytes.loadUnaligned(fromByteOffset: slice.offset + 8 * i, as: Double.self)
          : Double(bytes.loadUnaligned(fromByteOffset: slice.offset + 4 * i, as: Float.self))
      }
    }
  }
}

extension DetectorFixture.FlowCase {
  package var description: FlowDescription {
    get throws {
      try flowDescription(
        blocks: blocks, conditionChannels: condition_channels, permutation: permutation, clamp: clamp,
        alpha: clamp_alpha)
    }
  }
}

private func flowDescription(
  blocks: Int, conditionChannels: Int, permutation: String, clamp: String, alpha: Float
) throws -> FlowDescription {
  guard let permutation = FlowDescription.Permutation(rawValue: permutation),
    let clamp = FlowDescription.Clamp(rawValue: clamp)
  else { throw Failure(.format, "unknown flow settings in the fixture") }
  return try FlowDescription(
    blockCount: blocks, conditionChannels: conditionChannels, permutation: permutation, clamp: clamp, clampAlpha: alpha)
}

extension DetectorFixture.DetectorCase {
  /// The whole detector with generated weights and the fixture's calibration.
  package func contents() throws -> DetectorContents {
    guard let padding = Padding(rawValue: padding) else { throw Failure(.format, "unknown padding in the fixture") }
    let flow = try flowDescription(
      blocks: blocks, conditionChannels: condition_channels, permutation: permutation, clamp: clamp, alpha: clamp_alpha)
    return DetectorContents(
      encoder: EncoderDescription(
        architecture: architecture, padding: padding, taps: try Encoder.taps(architecture: architecture)),
      preprocessing: try Preprocessing(
        width: width, height: height, mean: mean.map { Float($0) },
        standardDeviation: standard_deviation.map { Float($0) }),
      flow: flow, encoderWeights: try Generated.encoderWeights(architecture),
      flowWeights: try levels.enumerated().map {
        try Generated.flowWeights("detector/\(self.case)/\($0)/", channels: $1.channels, flow)
      },
      calibration: try Calibration(levelMaxima: level_maxima, total: total, threshold: Float(threshold), scores: []),
      provenance: ["made by": "Tests/Fixtures/make_detector.py"])
  }

  /// Frame `index` as height x width RGB8.
  package func frame(_ index: Int) -> [UInt8] {
    let columns = (frame_width + 7) / 8
    let rows = (frame_height + 7) / 8
    let squares = Generated.unit("frame/\(self.case)/\(index)", count: rows * columns * 3)
    var pixels: [UInt8] = []
    for y in 0..<frame_height {
      for x in 0..<frame_width {
        for channel in 0..<3 {
          pixels.append(UInt8((128 + 100 * squares[(y / 8 * columns + x / 8) * 3 + channel]).rounded(.down)))
        }
      }
    }
    return pixels
  }
}
