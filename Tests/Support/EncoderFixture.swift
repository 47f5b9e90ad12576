import Basics
import Foundation
import Testing

/// An architecture with generated weights, and features of it in double precision: Tests/Fixtures/make_encoders.py.
package struct EncoderFixture: Decodable, Sendable, CustomTestStringConvertible {
  package struct Case: Decodable, Sendable {
    package let height, width: Int
    package let levels: [Level]
  }
  package struct Level: Decodable, Sendable {
    package struct Slice: Decodable, Sendable { package let offset, count: Int }
    package let tap: String
    package let height, width, channels, stride: Int
    package let max_abs: Double
    package let values: Slice
  }
  package let architecture, padding: String
  package let gain: Double
  package let cases: [Case]

  package var testDescription: String { "\(architecture), \(padding)" }

  private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Fixtures/encoders")

  package static let all: [EncoderFixture] = {
    let data = try? Data(contentsOf: folder.appending(path: "index.json"))
    return data.flatMap { try? JSONDecoder().decode([EncoderFixture].self, from: $0) } ?? []
  }()

  package static let values: [Float] = {
    let data = (try? Data(contentsOf: folder.appending(path: "values.bin"))) ?? Data()
    return data.withUnsafeBytes { bytes in
      (0..<bytes.count / 4).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
    }
  }()

  /// The generated values of a state-dict key.
  package func weights(_ key: String, _ shape: [Int]) throws(Failure) -> Weights {
    let (center, spread): (Double, Double) =
      if key == "cls_token" || key == "pos_embed" {
        (0, 0.5)
      } else if shape.count > 1 {
        (0, (gain / Double(shape[1...].reduce(1, *))).squareRoot())
      } else if key.hasSuffix("weight") {
        (1, 0.2)
      } else {
        key.hasSuffix("running_var") ? (1, 0.5) : (0, 0.1)
      }
    let values = Generated.unit("\(architecture)/\(key)", count: shape.reduce(1, *)).map { Float(center + spread * $0) }
    return Weights(try Tensor(shape: shape, values: values), key: key)
  }
}
