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
      (33, 1, 68, 40), (100, 9, 136, 48), (300, 9, 64, 20), (90, 7, 24, 64),
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
    list.append(
      gemm(rows: 2, taps: 1, depth: 260, outputs: 20, weights: .int16, activation: .identity, isLargest: true))
    // Targets of bytes alone have epilogues of their own, for whole vectors and for parts.
    for outputs in [8, 16, 24, 32, 43, 48, 64, 100] {
      for element in [ElementType.int8, .int16] {
        list.append(
          gemm(
            rows: 14, taps: 1, depth: 20, outputs: outputs, weights: element, activation: .identity, target: .plainBytes
          ))
      }
      for (activation, residual) in [(Activation.hardSwish, Residual.none), (.relu6, .bytes), (.identity, .bytes)] {
        for element in [ElementType.int8, .int16] {
          list.append(
            gemm(
              rows: 14, taps: 1, depth: 20, outputs: outputs, weights: element, activation: activation,
              residual: residual, target: .bytes))
        }
      }
    }
    for channels in [32, 64, 128, 512] { list.append(hadamard(rows: 3, channels: channels)) }
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
        list.append(
          depthwise(
            kernel: kernel, stride: stride, channels: channels, height: 11, width: 14, activation: .identity,
            target: .plainBytes))
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
      gemm(rows: 4096, taps: 7, depth: 24, outputs: 64, weights: .int16),
      gemm(rows: 256, taps: 1, depth: 112, outputs: 672, weights: .int8, activation: .hardSwish),
      depthwise(kernel: 3, stride: 1, channels: 240, height: 32, width: 32, activation: .relu6),
      depthwise(kernel: 5, stride: 1, channels: 240, height: 32, width: 32, activation: .relu6),
      depthwise(kernel: 5, stride: 2, channels: 240, height: 32, width: 32, activation: .relu6),
      rowScaled(rows: 132, depth: 56, outputs: 368, width: 16), rowScaled(rows: 132, depth: 368, outputs: 112),
      rowScaled(rows: 132, depth: 20, outputs: 296, width: 32), quantize(rows: 132, count: 368, isSigned: false),
      hadamard(rows: 132, channels: 512),
      maxPooling(channels: 64, height: 128, width: 128), mean(channels: 480, height: 16, width: 16),
      affine(channels: 112, rows: 256, residual: .bytes),
    ]
  }()

  /// What an epilogue adds.
  package enum Residual: String, Sendable { case none, bytes, floats }

  /// What an epilogue writes. `plainBytes` are those that follow from the sums by a multiplication and an addition, without a scale
  /// and zero of their own.
  package enum Target: String, Sendable { case floatsAndBytes, bytes, plainBytes }
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
