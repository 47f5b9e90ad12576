import Basics
import Kernels

/// An inner loop of 8-bit detectors with operands of one size. Every build must give the bits of plain sums of integers and
/// plain float32 arithmetic.
package struct QuantizedMicrokernel: Sendable {
  package let name: String
  /// Multiplications of a run, or values where there are none.
  package let work: Int
  package let prepare: @Sendable (any QuantizedKernels) throws(Failure) -> Prepared

  package struct Prepared {
    package let run: () -> Void
    package let values: () -> [Float]
    package let expected: () -> [Float]
  }
}

extension QuantizedMicrokernel {
  /// Sizes that do and do not fill vectors, tiles and panels.
  package static let tested: [QuantizedMicrokernel] = {
    var list: [QuantizedMicrokernel] = []
    let products: [(Int, Int, Int, Int)] = [
      (1, 1, 4, 1), (5, 1, 8, 7), (6, 1, 16, 8), (7, 1, 32, 16), (13, 1, 64, 17), (12, 1, 4, 24), (200, 1, 700, 40),
      (31, 9, 20, 25), (6, 4, 16, 48), (50, 7, 28, 64), (16, 2, 8, 32), (28, 9, 4, 33), (410, 1, 960, 20),
    ]
    for (rows, taps, depth, outputs) in products {
      for weights in [ElementType.int8, .int16] {
        list.append(gemm(rows: rows, taps: taps, depth: depth, outputs: outputs, weights: weights))
      }
    }
    for activation in [Activation.identity, .relu, .relu6, .hardSwish, .silu] {
      for residual in [Residual.bytes, .floats, .none] {
        list.append(
          gemm(
            rows: 14, taps: 1, depth: 20, outputs: 43, weights: .int8, activation: activation, residual: residual))
      }
    }
    for (rows, depth, outputs) in [(1, 4, 1), (5, 10, 7), (13, 20, 40), (12, 33, 16), (29, 296, 80), (132, 56, 33)] {
      list.append(rowScaled(rows: rows, depth: depth, outputs: outputs))
      list.append(rowScaled(rows: rows, depth: depth, outputs: outputs, width: 5))
    }
    for (rows, count) in [(4, 1), (5, 7), (3, 16), (6, 20), (7, 37), (3, 640)] {
      for isSigned in [true, false] { list.append(quantize(rows: rows, count: count, isSigned: isSigned)) }
    }
    for (kernel, stride) in [(3, 1), (3, 2), (5, 1), (5, 2), (7, 2)] {
      for channels in [1, 7, 8, 16, 24, 40] {
        list.append(
          depthwise(
            kernel: kernel, stride: stride, channels: channels, height: 11, width: 14, activation: .hardSwish))
      }
    }
    for channels in [1, 8, 19, 32] {
      list.append(maxPooling(channels: channels, height: 11, width: 14))
      list.append(mean(channels: channels, height: 9, width: 7))
      for residual in [Residual.bytes, .floats] {
        list.append(affine(channels: channels, rows: 5, residual: residual))
      }
    }
    return list
  }()

  /// Sizes of encoders.
  package static let timed: [QuantizedMicrokernel] = {
    let products: [(Int, Int, Int, Int)] = [
      (4096, 1, 64, 256), (1024, 9, 128, 128), (132, 1, 384, 768), (64, 1, 960, 160), (256, 1, 112, 672),
      (256, 1, 672, 112), (4096, 1, 24, 144), (256, 9, 256, 256), (1024, 1, 1024, 256),
    ]
    return products.map { (rows, taps, depth, outputs) in
      gemm(rows: rows, taps: taps, depth: depth, outputs: outputs, weights: .int8, activation: .relu6)
    } + [
      gemm(rows: 4096, taps: 3, depth: 12, outputs: 32, weights: .int16, activation: .relu6),
      gemm(rows: 256, taps: 1, depth: 112, outputs: 672, weights: .int8, activation: .hardSwish),
      depthwise(kernel: 3, stride: 1, channels: 240, height: 32, width: 32, activation: .relu6),
      depthwise(kernel: 5, stride: 1, channels: 240, height: 32, width: 32, activation: .relu6),
      depthwise(kernel: 5, stride: 2, channels: 240, height: 32, width: 32, activation: .relu6),
      rowScaled(rows: 132, depth: 56, outputs: 368, width: 16), rowScaled(rows: 132, depth: 368, outputs: 112),
      rowScaled(rows: 132, depth: 20, outputs: 296, width: 32), quantize(rows: 132, count: 368, isSigned: false),
      maxPooling(channels: 64, height: 128, width: 128), mean(channels: 480, height: 16, width: 16),
      affine(channels: 112, rows: 256, residual: .bytes),
    ]
  }()

  /// What an epilogue adds.
  package enum Residual: String, Sendable { case none, bytes, floats }
}

/// Bytes from 0 up to 255, both among them, the same for a name.
func bytes(_ name: String, _ count: Int) throws(Failure) -> Buffer<UInt8> {
  let buffer = try Buffer<UInt8>(count: count)
  var random = Random(seed: 0, purpose: name)
  for i in 0..<count { buffer.base[i] = UInt8(min(max(random.uniform(in: -20...276), 0), 255)) }
  return buffer
}

/// Integers within -limit...limit, both among them.
func integers(_ name: String, _ count: Int, limit: Double) throws(Failure) -> FloatBuffer {
  let buffer = try FloatBuffer(count: count)
  var random = Random(seed: 0, purpose: name)
  for i in 0..<count {
    buffer.base[i] = Float(min(max(random.uniform(in: -1.1 * limit...1.1 * limit), -limit), limit).rounded())
  }
  return buffer
}

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

/// An epilogue into bytes and floats, and the same computed plainly.
final class EpilogueOperands {
  private let multiplier, offset, residualValues, values: FloatBuffer
  private let residualBytes, bytes: Buffer<UInt8>
  private let residual: QuantizedMicrokernel.Residual
  private let activation: Activation
  private let quantization, outputQuantization: QuantizationOperands

  /// - Parameter sum: about how large sums are.
  init(
    rows: Int, outputs: Int, activation: Activation, residual: QuantizedMicrokernel.Residual, sum: Double
  ) throws(Failure) {
    (self.activation, self.residual) = (activation, residual)
    (multiplier, offset) = (try Microkernel.floats("m", outputs + 16), try Microkernel.floats("o", outputs + 16))
    for i in 0..<multiplier.count { multiplier.base[i] *= 4 / Float(sum) }
    quantization = try QuantizationOperands("r", channels: outputs)
    outputQuantization = try QuantizationOperands("y", channels: outputs)
    residualValues = try Microkernel.floats("r", rows * outputs)
    residualBytes = try Microkernels.bytes("rb", rows * outputs)
    (values, bytes) = (try FloatBuffer(count: rows * outputs), try Buffer(count: rows * outputs))
    // Nothing of a result may come from the memory it is written to.
    values.base.update(repeating: .nan, count: values.count)
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
        bytes: bytes.base, values: values.base, zero: outputQuantization.zero.base,
        inverseScale: outputQuantization.inverseScale.base))
  }

  var results: [Float] {
    (0..<values.count).map { values.base[$0] } + (0..<bytes.count).map { Float(bytes.base[$0]) }
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
    return values
      + values.indices.map { i in
        let quantized =
          values[i] * outputQuantization.inverseScale.base[i % outputs] + outputQuantization.zero.base[i % outputs]
        return min(max(quantized, 0), 255).rounded(.toNearestOrEven)
      }
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
