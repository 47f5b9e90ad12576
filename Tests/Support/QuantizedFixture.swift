import Basics
import Foundation
import Testing

/// Encoders of 8 bits with generated tensors, and what they make of generated pixels: Tests/Fixtures/make_quantized.py.
package struct QuantizedFixture: Decodable, Sendable {
  package struct Case: Decodable, Sendable, CustomTestStringConvertible {
    package struct Level: Decodable, Sendable {
      package let shape: [Int]
      package let first: [Float]
      package let fingerprint: String
    }
    package let architecture, padding: String
    package let levels: [Level]

    package var testDescription: String { "\(architecture), \(padding)" }
  }
  package let height, width: Int
  package let encoders: [Case]

  package static let all: QuantizedFixture? = {
    let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let data = try? Data(contentsOf: tests.appending(path: "Fixtures/quantized/index.json"))
    return data.flatMap { try? JSONDecoder().decode(QuantizedFixture.self, from: $0) }
  }()

  package var pixels: [UInt8] {
    Generated.unit("pixels/\(height)x\(width)", count: 3 * height * width).map { UInt8(128 + 100 * $0) }
  }
}

extension QuantizedFixture.Case {
  package typealias Source = (_ key: String, _ shape: [Int]) throws(Failure) -> Weights

  /// Generates tensors one after the other: the weights of a convolution come before its multipliers, which depend on them.
  package var source: Source {
    var fans: [Substring: (limit: Double, fan: Int)] = [:]
    return { (key, shape) throws(Failure) in
      let count = shape.reduce(1, *)
      let unit = Generated.unit("\(architecture)/\(key)", count: count)
      let part = key.split(separator: ".").last ?? ""
      let module = key.dropLast(part.count)
      let fan = shape.dropFirst().reduce(1, *)
      let limit = shape.count < 2 || shape[1] == 3 ? 2000.0 : shape[1] > 1 ? 127 : shape[2] == 3 ? 1500 : 500
      if part == "weight", shape.count > 1 { fans[module] = (limit, fan) }
      let values = unit.map { u in
        switch part {
        case "weight" where shape.count > 1: (limit * u).rounded(.toNearestOrEven)
        case "weight": 1 + 0.2 * u
        case "weight_scale": fans[module].map { (1 + 0.2 * u) * (3 / Double($0.fan)).squareRoot() / 127 } ?? .nan
        case "offset": u
        case "output_scale": 0.03 + 0.01 * u
        case "output_zero": (60 + 60 * u).rounded(.toNearestOrEven)
        case "border": (120 + 10 * u).rounded(.toNearestOrEven)
        case "running_var": 1 + 0.5 * u
        case "multiplier": fans[module].map { (2 + u) / ($0.limit * 40 * Double($0.fan).squareRoot()) } ?? .nan
        default: 0.1 * u
        }
      }
      return Weights(try Tensor(shape: shape, values: values.map { Float($0) }), key: key)
    }
  }
}
