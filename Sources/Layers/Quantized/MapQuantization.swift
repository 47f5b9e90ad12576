import Basics
import Kernels

/// What the bytes of a map stand for: (byte - zero) * scale, with a zero and a scale for each channel.
package struct MapQuantization: Sendable {
  package let channels: Int
  let scale: SharedFloats
  let zero: SharedFloats
  let inverseScale: SharedFloats

  /// Fails with `.format` unless scales are above 0 and zeros are bytes. Since 0 is a byte of the map, borders are exact.
  package init(scale: [Float], zero: [Float]) throws(Failure) {
    guard scale.count == zero.count, scale.allSatisfy({ $0 > 1e-30 && $0 < 1e30 }),
      zero.allSatisfy({ $0 >= 0 && $0 <= 255 && $0 == $0.rounded() })
    else { throw Failure(.format, "a map's scales and zeros do not make bytes of it") }
    channels = scale.count
    self.scale = try SharedFloats(scale, paddedCount: scale.count + Self.padding)
    self.zero = try SharedFloats(zero, paddedCount: scale.count + Self.padding)
    inverseScale = try SharedFloats(scale.map { 1 / $0 }, paddedCount: scale.count + Self.padding)
  }

  /// The bytes that stand for 0.
  package var zeros: [Float] { [Float](UnsafeBufferPointer(start: zero.base, count: channels)) }

  /// The number of floats behind vectors of channels, for which CQuantizedTasks.h says why.
  static let padding = 16

  /// Whether an activation only limits values, and the range of the bytes limits them as much anyway.
  fileprivate func bounds(_ activation: Activation) -> Bool {
    let limits: (low: Float, high: Float)
    switch activation {
    case .identity: limits = (-.infinity, .infinity)
    case .relu: limits = (0, .infinity)
    case .relu6: limits = (0, 6)
    default: return false
    }
    return (0..<channels).allSatisfy {
      limits.low * inverseScale.base[$0] + zero.base[$0] <= 0
        && limits.high * inverseScale.base[$0] + zero.base[$0] >= 255
    }
  }

  func operand(_ bytes: UnsafePointer<UInt8>) -> MapOperand {
    MapOperand(bytes: bytes, values: nil, zero: zero.base, scale: scale.base)
  }

  func target(_ bytes: UnsafeMutablePointer<UInt8>) -> MapTarget {
    MapTarget(bytes: bytes, values: nil, zero: zero.base, inverseScale: inverseScale.base)
  }
}

/// How a layer of an 8-bit encoder makes its output of its sums and its second operand.
package struct QuantizedOutput: Sendable {
  /// What a layer adds to its sums.
  package enum Residual: Sendable {
    case none, floats
    case bytes(MapQuantization)
  }

  private let multiplier: SharedFloats
  private let offset: SharedFloats
  private let activation: Activation
  private let residual: Residual
  /// What the bytes of the output stand for; nil for floats.
  private let output: MapQuantization?
  /// Whether multiplier and offset give the output's bytes directly.
  private let givesBytes: Bool

  /// - Parameters:
  ///   - multiplier: the factor of each output's sum.
  ///   - output: nil for floats.
  package init(
    multiplier: [Float], offset: [Float], activation: Activation = .identity, residual: Residual = .none,
    output: MapQuantization?
  ) throws(Failure) {
    let count = multiplier.count
    var fits = offset.count == count && output.map { $0.channels == count } ?? true
    if case .bytes(let residual) = residual { fits = fits && residual.channels == count }
    guard fits else { throw Failure(.format, "\(count) multipliers do not fit the layer's outputs") }
    var (multiplier, offset) = (multiplier, offset)
    givesBytes = if case .none = residual { output?.bounds(activation) ?? false } else { false }
    if let output, givesBytes {
      // Merges the output's scale and zero into multiplier and offset, which saves a multiplication and an addition for every
      // output.
      for i in 0..<count {
        multiplier[i] *= output.inverseScale.base[i]
        offset[i] = offset[i] * output.inverseScale.base[i] + output.zero.base[i]
      }
    }
    self.multiplier = try SharedFloats(multiplier, paddedCount: count + MapQuantization.padding)
    self.offset = try SharedFloats(offset, paddedCount: count + MapQuantization.padding)
    self.activation = givesBytes ? .identity : activation
    (self.residual, self.output) = (residual, output)
  }

  var channels: Int { multiplier.count - MapQuantization.padding }

  func epilogue(_ memory: LayerMemory) -> QuantizedEpilogue {
    QuantizedEpilogue(
      multiplier: multiplier.base, offset: offset.base, residual: operand(memory), activation: activation,
      target: target(memory))
  }

  private func operand(_ memory: LayerMemory) -> MapOperand {
    switch residual {
    case .none: MapOperand()
    case .floats: memory.second.map { .floats($0) } ?? MapOperand()
    case .bytes(let quantization): memory.secondBytes.map { quantization.operand($0) } ?? MapOperand()
    }
  }

  private func target(_ memory: LayerMemory) -> MapTarget {
    guard let output else { return .floats(memory.output) }
    var target = output.target(memory.outputBytes)
    if givesBytes { (target.zero, target.inverseScale) = (nil, nil) }
    return target
  }
}

extension MapOperand {
  static func floats(_ values: UnsafePointer<Float>) -> MapOperand {
    MapOperand(bytes: nil, values: values, zero: nil, scale: nil)
  }
}

extension MapTarget {
  static func floats(_ values: UnsafeMutablePointer<Float>) -> MapTarget {
    MapTarget(bytes: nil, values: values, zero: nil, inverseScale: nil)
  }
}
