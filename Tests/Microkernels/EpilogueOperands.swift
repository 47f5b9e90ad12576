import Basics
import Kernels

/// What the bytes of channels stand for.
final class QuantizationOperands {
  let zero, scale, inverseScale: FloatBuffer

  init(_ name: String, channels: Int) throws(Failure) {
    zero = try integers("\(name)z", channels + 16, limit: 40)
    (scale, inverseScale) = (try Microkernel.floats("\(name)s", channels + 16), try FloatBuffer(count: channels + 16))
    for i in 0..<zero.count {
      zero.base[i] += 110
      scale.base[i] = 0.03 + 0.01 * scale.base[i]
      inverseScale.base[i] = 1 / scale.base[i]
    }
  }

  func value(_ byte: UInt8, _ channel: Int) -> Float { (Float(byte) - zero.base[channel]) * scale.base[channel] }
}

/// An epilogue into bytes, and floats too where they are wanted, and the same computed plainly.
final class EpilogueOperands {
  private let multiplier, offset, residualValues, values: FloatBuffer
  private let residualBytes, bytes: Buffer<UInt8>
  private let residual: QuantizedMicrokernel.Residual
  private let target: QuantizedMicrokernel.Target
  private let count: Int
  private static let (behind, untouched) = (16, Float(201))
  private let activation: Activation
  private let quantization, outputQuantization: QuantizationOperands

  /// - Parameter sum: about how large sums are.
  init(
    rows: Int, outputs: Int, activation: Activation, residual: QuantizedMicrokernel.Residual,
    target: QuantizedMicrokernel.Target = .floatsAndBytes, sum: Double
  ) throws(Failure) {
    (self.activation, self.residual, self.target) = (activation, residual, target)
    (multiplier, offset) = (try Microkernel.floats("m", outputs + 16), try Microkernel.floats("o", outputs + 16))
    for i in 0..<multiplier.count {
      multiplier.base[i] *= 4 / Float(sum)
      // Spreads the values over 0...255, with some beyond.
      guard target == .plainBytes else { continue }
      multiplier.base[i] *= 30
      offset.base[i] = 110 + 20 * offset.base[i]
    }
    quantization = try QuantizationOperands("r", channels: outputs)
    outputQuantization = try QuantizationOperands("y", channels: outputs)
    residualValues = try Microkernel.floats("r", rows * outputs)
    residualBytes = try Microkernels.bytes("rb", rows * outputs)
    count = rows * outputs
    (values, bytes) = (try FloatBuffer(count: count + Self.behind), try Buffer(count: count + Self.behind))
    // Nothing of a result may come from the memory it is written to.
    values.base.update(repeating: .nan, count: count)
    // Nor may anything be written behind it.
    (values.base + count).update(repeating: Self.untouched, count: Self.behind)
    (bytes.base + count).update(repeating: UInt8(Self.untouched), count: Self.behind)
  }

  var task: QuantizedEpilogue {
    QuantizedEpilogue(
      multiplier: multiplier.base, offset: offset.base,
      residual: MapOperand(
        bytes: residual == .bytes ? UnsafePointer(residualBytes.base) : nil,
        values: residual == .floats ? UnsafePointer(residualValues.base) : nil,
        zero: quantization.zero.base, scale: quantization.scale.base),
      activation: activation,
      target: MapTarget(
        bytes: bytes.base, values: target == .floatsAndBytes ? values.base : nil,
        zero: target == .plainBytes ? nil : UnsafePointer(outputQuantization.zero.base),
        inverseScale: target == .plainBytes ? nil : UnsafePointer(outputQuantization.inverseScale.base)))
  }

  var results: [Float] {
    (target == .floatsAndBytes ? (0..<values.count).map { values.base[$0] } : [])
      + (0..<bytes.count).map { Float(bytes.base[$0]) }
  }

  /// - Parameter sums: row by row.
  func expected(_ sums: [Float]) -> [Float] {
    let outputs = multiplier.count - 16
    let values = sums.indices.map { i in
      var value = sums[i] * multiplier.base[i % outputs] + offset.base[i % outputs]
      switch residual {
      case .bytes: value += quantization.value(residualBytes.base[i], i % outputs)
      case .floats: value += residualValues.base[i]
      case .none: break
      }
      return activated(value)
    }
    let behind = [Float](repeating: Self.untouched, count: Self.behind)
    return (target == .floatsAndBytes ? values + behind : [])
      + values.indices.map { i in
        let (inverseScale, zero) = (outputQuantization.inverseScale, outputQuantization.zero)
        let quantized =
          target == .plainBytes ? values[i] : values[i] * inverseScale.base[i % outputs] + zero.base[i % outputs]
        return min(max(quantized, 0), 255).rounded(.toNearestOrEven)
      } + behind
  }

  private func activated(_ x: Float) -> Float {
    switch activation {
    case .relu: max(x, 0)
    case .relu6: min(max(x, 0), 6)
    case .hardSwish: x * min(max(x + 3, 0), 6) * (1 / 6)
    // The exponential function is the kernels' own: by the baseline's.
    case .silu: x / (1 + power(-x))
    default: x
    }
  }

  private func power(_ x: Float) -> Float {
    var value = x
    KernelBuild.baseline.exactKernels.exp(&value, count: 1)
    return value
  }
}
