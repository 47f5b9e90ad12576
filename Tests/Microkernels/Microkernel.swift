import Basics
import Kernels

/// An inner loop with operands of one size: the tests run it on every build of the kernels and compare its results with plain
/// sums in double precision, and benchmarks/Microkernels times it.
package struct Microkernel: Sendable {
  package let name: String
  /// Multiplications of a run, or values where each takes more than that.
  package let work: Int
  /// Error that a result may have.
  package let bound: Double
  /// Makes the operands for a build.
  package let prepare: @Sendable (any KernelTable) throws(Failure) -> Prepared

  /// Operands of a microkernel, which run as often as wanted, with the same result each time.
  package struct Prepared {
    package let run: () -> Void
    package let result: FloatBuffer
    package let expected: () -> [Double]

    package var values: [Double] { (0..<result.count).map { result[$0] } }
  }
}

extension Microkernel {
  /// Sizes that do and do not fill vectors, tiles and panels.
  package static let tested: [Microkernel] =
    [
      (1, 1, 1, 1), (5, 1, 7, 8), (6, 1, 16, 9), (7, 1, 33, 16), (13, 1, 64, 17), (12, 1, 3, 24), (200, 1, 700, 40),
      (31, 9, 20, 25), (6, 4, 16, 7), (50, 49, 2, 16), (8, 1, 5, 32), (16, 2, 9, 48), (20, 1, 12, 56), (64, 1, 8, 57),
      (4, 1, 11, 64), (3, 1, 6, 32), (28, 9, 5, 33),
    ].flatMap { rows, taps, depth, outputs in
      [true, false].map { gemm(rows: rows, taps: taps, depth: depth, outputs: outputs, isScaled: $0) }
    } + triangles
    + [(1, 1), (3, 1), (3, 2), (5, 1), (5, 2), (7, 2)].flatMap { kernel, stride in
      [1, 7, 8, 9, 16, 23, 24, 40].flatMap { channels in
        [Activation.relu6, .hardSigmoid].map {
          depthwise(kernel: kernel, stride: stride, channels: channels, height: 11, width: 14, activation: $0)
        }
      }
    }
    + [16, 48].flatMap { channels in
      [
        winogradInput(channels: channels, height: 7, width: 10),
        winogradOutput(channels: channels, height: 7, width: 10),
      ]
    } + [1, 8, 19].map { maxPooling(channels: $0, height: 11, width: 14) }
    + [1, 5, 8, 13, 21, 31, 40, 75].flatMap { count in
      [
        add(count: count), channelMean(channels: count, height: 9, width: 7), channelAffine(channels: count, rows: 5),
        rowNorm(channels: count, rows: 4), softmax(count: count, rows: 3), coupling(width: count, rows: 3),
        squaredNorms(channels: count, rows: 3), adam(count: count),
      ]
    }
    + [3, 8, 21, 32].flatMap { columns in
      [reluGradient(columns: columns), affineGradient(columns: columns), couplingGradient(columns: columns)]
    }

  private static let triangles: [Microkernel] = [1, 2, 7, 8, 9, 16, 23, 40, 65, 112].flatMap { (size: Int) in
    [triangularProduct(size: size, rows: 3), byteTriangularProduct(size: size, rows: 3)]
  }

  /// Sizes of encoders and flows.
  package static let timed: [Microkernel] = [
    gemm(rows: 4096, taps: 1, depth: 64, outputs: 256), gemm(rows: 1024, taps: 9, depth: 128, outputs: 128),
    gemm(rows: 132, taps: 1, depth: 384, outputs: 768), gemm(rows: 64, taps: 1, depth: 960, outputs: 160),
    triangularProduct(size: 64, rows: 132), byteTriangularProduct(size: 64, rows: 132),
    depthwise(kernel: 3, stride: 1, channels: 240, height: 32, width: 32),
    depthwise(kernel: 5, stride: 2, channels: 240, height: 32, width: 32),
    maxPooling(channels: 64, height: 128, width: 128),
    winogradInput(channels: 128, height: 32, width: 32), winogradOutput(channels: 128, height: 32, width: 32),
    add(count: 1 << 16), channelMean(channels: 480, height: 16, width: 16), channelAffine(channels: 112, rows: 256),
    rowNorm(channels: 768, rows: 197), softmax(count: 197, rows: 48), coupling(width: 96, rows: 132),
    squaredNorms(channels: 192, rows: 132), adam(count: 1 << 14),
  ]

  /// Values from -1 up to 1, the same for a name.
  static func floats(_ name: String, _ count: Int) throws(Failure) -> FloatBuffer {
    let buffer = try FloatBuffer(count: count)
    var random = Random(seed: 0, purpose: name)
    for i in 0..<count { buffer.base[i] = Float(random.uniform(in: -1...1)) }
    return buffer
  }
}

extension FloatBuffer {
  subscript(index: Int) -> Double { Double(base[index]) }

  /// What a kernel that works in place begins with each time.
  func copy(from source: FloatBuffer) { base.update(from: source.base, count: count) }
}
