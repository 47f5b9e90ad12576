import Basics
import Kernels

/// A map's sliding windows: columns see nothing beyond the ends, and rows are mirrored there, or see nothing either.
final class Windows {
  let kernel, stride, channels, width: Int
  let x: FloatBuffer
  let rows, columns: Buffer<Int>
  let outputHeight, outputWidth: Int
  private let margin: Int

  init(
    kernel: Int, stride: Int, channels: Int, height: Int, width: Int, mirrorsRows: Bool = true
  ) throws(Failure) {
    (self.kernel, self.stride, self.channels, self.width) = (kernel, stride, channels, width)
    margin = kernel / 2
    (outputHeight, outputWidth) = ((height - 1) / stride + 1, (width - 1) / stride + 1)
    x = try Microkernel.floats("x", height * width * channels)
    (rows, columns) = (try Buffer(count: outputHeight * kernel), try Buffer(count: outputWidth * kernel))
    for i in 0..<rows.count {
      let place = i / kernel * stride + i % kernel - margin
      let mirrored = abs(place) < height ? abs(place) : 2 * (height - 1) - place
      rows.base[i] = mirrorsRows || (0..<height).contains(place) ? mirrored : -1
    }
    for i in 0..<columns.count {
      let place = i / kernel * stride + i % kernel - margin
      columns.base[i] = (0..<width).contains(place) ? place : -1
    }
  }

  var count: Int { outputHeight * outputWidth * channels }

  func window(into y: FloatBuffer) -> WindowedMap {
    let whole = (0..<outputWidth).filter { column in
      (0..<kernel).allSatisfy { columns.base[column * kernel + $0] >= 0 }
    }
    return WindowedMap(
      x: x.base, inputWidth: width, channels: channels, kernel: kernel, stride: stride, rowSources: rows.base,
      columnSources: columns.base, interiorStart: whole.first ?? 0, interiorEnd: (whole.last ?? -1) + 1,
      outputWidth: outputWidth, y: y.base)
  }

  /// The same over a map of bytes.
  func quantized(_ x: Buffer<UInt8>) -> QuantizedWindow {
    let window = window(into: self.x)
    return QuantizedWindow(
      x: x.base, inputWidth: width, channels: channels, kernel: kernel, stride: stride, rowSources: rows.base,
      columnSources: columns.base, interiorStart: window.interiorStart, interiorEnd: window.interiorEnd,
      outputWidth: outputWidth)
  }

  /// The taps of an output and where they are in the map.
  func taps(_ output: Int) -> [(tap: Int, input: Int)] {
    let (position, channel) = (output / channels, output % channels)
    let (row, column) = (position / outputWidth, position % outputWidth)
    return (0..<kernel * kernel).compactMap { tap in
      let (y, x) = (rows.base[row * kernel + tap / kernel], columns.base[column * kernel + tap % kernel])
      return x < 0 || y < 0 ? nil : (tap, (y * width + x) * channels + channel)
    }
  }
}

extension Microkernel {
  static func depthwise(
    kernel: Int, stride: Int, channels: Int, height: Int, width: Int, activation: Activation = .relu6
  ) -> Microkernel {
    Microkernel(
      name: "depthwise \(kernel)x\(kernel) / \(stride), \(height) x \(width) x \(channels)",
      work: height * width * channels * kernel * kernel / (stride * stride), bound: 4e-6
    ) { (kernels) throws(Failure) in
      let windows = try Windows(kernel: kernel, stride: stride, channels: channels, height: height, width: width)
      let weights = try floats("w", kernel * kernel * channels)
      let (scale, bias) = (try floats("s", channels), try floats("b", channels))
      let y = try FloatBuffer(count: windows.count)
      let task = Depthwise(
        window: windows.window(into: y), weights: weights.base, scale: scale.base, bias: bias.base,
        activation: activation)
      return Prepared(
        run: { kernels.depthwise(task, outputRows: 0..<windows.outputHeight) }, result: y,
        expected: {
          (0..<windows.count).map { output in
            let channel = output % channels
            let taps = windows.taps(output).reduce(0) {
              $0 + weights[$1.tap * channels + channel] * windows.x[$1.input]
            }
            let sum = taps * scale[channel] + bias[channel]
            return activation == .relu6 ? min(max(sum, 0), 6) : min(max(sum + 3, 0), 6) / 6
          }
        })
    }
  }

  static func maxPooling(channels: Int, height: Int, width: Int) -> Microkernel {
    Microkernel(
      name: "max pooling 3x3 / 2, \(height) x \(width) x \(channels)", work: height * width * channels * 9 / 4, bound: 0
    ) { (kernels) throws(Failure) in
      let windows = try Windows(kernel: 3, stride: 2, channels: channels, height: height, width: width)
      let y = try FloatBuffer(count: windows.count)
      let task = windows.window(into: y)
      return Prepared(
        run: { kernels.maxPooling(task, outputRows: 0..<windows.outputHeight) }, result: y,
        expected: { (0..<windows.count).map { windows.taps($0).map { windows.x[$0.input] }.max() ?? -.infinity } })
    }
  }
}
