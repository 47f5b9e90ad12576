import Basics
import Kernels
import Layers

extension QuantizedMicrokernel {
  static func depthwise(
    kernel: Int, stride: Int, channels: Int, height: Int, width: Int, activation: Activation,
    target: Target = .floatsAndBytes
  ) -> QuantizedMicrokernel {
    QuantizedMicrokernel(
      name:
        "depthwise u8 \(kernel)x\(kernel) / \(stride), \(height) x \(width) x \(channels), \(activation), to \(target)",
      work: height * width * channels * kernel * kernel / (stride * stride)
    ) { (kernels) throws(Failure) in
      let windows = try Windows(
        kernel: kernel, stride: stride, channels: channels, height: height, width: width, mirrorsRows: stride == 2)
      let x = try bytes("x", height * width * channels)
      // The largest that sums of bytes have room for: 2^24 / 255 / taps.
      let taps = kernel * kernel
      let weights = try integers("w", taps * channels + 16, limit: (65_793 / Double(taps)).rounded(.down))
      let zero = try QuantizationOperands("x", channels: channels).zero
      let rows = try Buffer<Int16>(count: taps * channels)
      for i in 0..<rows.count { rows.base[i] = Int16(weights.base[i % taps * channels + i / taps]) }
      let packed = try DepthwiseWeights(
        rows.base, channels: channels, kernel: kernel, zeros: (0..<channels).map { zero.base[$0] })
      let border = try SharedBuffer((0..<channels).map { UInt8(zero.base[$0]) }, paddedCount: channels + 16)
      let epilogue = try EpilogueOperands(
        rows: windows.count / channels, outputs: channels, activation: activation, residual: .none, target: target,
        sum: 1_000_000)
      let task = QuantizedDepthwise(
        window: windows.quantized(x), weights: packed.pairs.base, border: border.base,
        correction: packed.correction.base, epilogue: epilogue.task)
      return Prepared(
        run: { kernels.quantizedDepthwise(task, outputRows: 0..<windows.outputHeight) },
        values: { epilogue.results },
        expected: {
          _ = (packed, border)
          return epilogue.expected(
            (0..<windows.count).map { output in
              let channel = output % channels
              return Float(
                windows.taps(output).reduce(0) {
                  $0 + Int(weights.base[$1.tap * channels + channel])
                    * (Int(x.base[$1.input]) - Int(zero.base[channel]))
                })
            })
        })
    }
  }

  static func maxPooling(channels: Int, height: Int, width: Int) -> QuantizedMicrokernel {
    QuantizedMicrokernel(
      name: "max pooling u8 3x3 / 2, \(height) x \(width) x \(channels)", work: height * width * channels * 9 / 4
    ) { (kernels) throws(Failure) in
      let windows = try Windows(kernel: 3, stride: 2, channels: channels, height: height, width: width)
      let x = try bytes("x", height * width * channels)
      let y = try Buffer<UInt8>(count: windows.count)
      let window = windows.quantized(x)
      return Prepared(
        run: { kernels.quantizedMaxPooling(window, outputRows: 0..<windows.outputHeight, into: y.base) },
        values: { (0..<y.count).map { Float(y.base[$0]) } },
        expected: { (0..<y.count).map { windows.taps($0).reduce(0) { max($0, Float(x.base[$1.input])) } } })
    }
  }

  static func mean(channels: Int, height: Int, width: Int) -> QuantizedMicrokernel {
    let positions = height * width
    return QuantizedMicrokernel(
      name: "mean u8 \(height) x \(width) x \(channels)", work: positions * channels
    ) { (kernels) throws(Failure) in
      let (x, y) = (try bytes("x", positions * channels), try FloatBuffer(count: channels))
      let quantization = try QuantizationOperands("x", channels: channels)
      let task = QuantizedMean(
        x: x.base, positions: positions, channels: channels, zero: quantization.zero.base,
        scale: quantization.scale.base, y: y.base)
      return Prepared(
        run: {
          for first in stride(from: 0, to: channels, by: 32) {
            kernels.quantizedMean(task, channels: first..<min(first + 32, channels))
          }
        },
        values: { (0..<channels).map { y.base[$0] } },
        expected: {
          (0..<channels).map { channel in
            let sum = (0..<positions).reduce(0) { $0 + Int(x.base[$1 * channels + channel]) }
            return (Float(sum) / Float(positions) - quantization.zero.base[channel]) * quantization.scale.base[channel]
          }
        })
    }
  }

  /// Of a map of bytes when floats are added, else of floats.
  static func affine(channels: Int, rows: Int, residual: Residual) -> QuantizedMicrokernel {
    QuantizedMicrokernel(name: "affine \(rows) x \(channels) + \(residual)", work: rows * channels) {
      (kernels) throws(Failure) in
      let (x, values) = (try bytes("x", rows * channels), try Microkernel.floats("v", rows * channels))
      let quantization = try QuantizationOperands("x", channels: channels)
      let isOfBytes = residual == .floats
      let epilogue = try EpilogueOperands(
        rows: rows, outputs: channels, activation: .identity, residual: residual, sum: 1)
      let task = QuantizedAffine(
        x: MapOperand(
          bytes: isOfBytes ? UnsafePointer(x.base) : nil, values: isOfBytes ? nil : UnsafePointer(values.base),
          zero: quantization.zero.base, scale: quantization.scale.base),
        channels: channels, epilogue: epilogue.task)
      return Prepared(
        run: { kernels.quantizedAffine(task, rows: 0..<rows) },
        values: { epilogue.results },
        expected: {
          epilogue.expected(
            (0..<rows * channels).map { isOfBytes ? quantization.value(x.base[$0], $0 % channels) : values.base[$0] })
        })
    }
  }
}
