import Basics
import Support
import Testing

@testable import Kernels

/// The kernels of training's way back, of every build, against plain sums in double precision on whole and ragged vectors.
@Suite struct GradientKernelTests {
  private static let rows = 5
  /// More than the widest columns: what lies between rows must stay as it is.
  private static let stride = 40

  private func floats(_ name: String) throws -> FloatBuffer {
    let buffer = try FloatBuffer(count: Self.rows * Self.stride)
    for (i, value) in Generated.unit(name, count: buffer.count).enumerated() { buffer.base[i] = Float(value) }
    return buffer
  }

  private func values(_ buffer: FloatBuffer) -> [Double] { (0..<buffer.count).map { Double(buffer.base[$0]) } }

  private func expect(_ buffer: FloatBuffer, _ expected: [Double], sourceLocation: SourceLocation = #_sourceLocation) {
    expectClose(values(buffer), expected, within: 2e-6, sourceLocation: sourceLocation)
  }

  @Test(arguments: variants, [3, 8, 21, 32])
  func reluGradients(_ build: Build, columns: Int) throws {
    let kernels = try build.kernels
    let (gradient, value) = (try floats("gradient"), try floats("value"))
    let before = values(gradient)
    let places: [[Int32]] = [[0, 2, 0, 2, 1], [1, 1, 1, 0, 0]]
    let sum = try FloatBuffer(count: Self.stride)
    let sums = [try FloatBuffer(count: 3 * Self.stride), try FloatBuffer(count: 2 * Self.stride)]
    places[0].withUnsafeBufferPointer { first in
      places[1].withUnsafeBufferPointer { second in
        guard let first = first.baseAddress, let second = second.baseAddress else { return }
        kernels.reluGradient(
          ReluGradient(
            gradient: gradient.base, stride: Self.stride, values: value.base, valueStride: Self.stride, sum: sum.base,
            places: (.init(sums: sums[0].base, indices: first), .init(sums: sums[1].base, indices: second))),
          rows: Self.rows, columns: columns)
      }
    }
    var expected = before
    var (total, byPlace) = (values(sum).map { _ in 0.0 }, sums.map { values($0).map { _ in 0.0 } })
    for row in 0..<Self.rows {
      for column in 0..<columns {
        let i = row * Self.stride + column
        if value.base[i] <= 0 { expected[i] = 0 }
        total[column] += expected[i]
        for axis in 0...1 { byPlace[axis][Int(places[axis][row]) * Self.stride + column] += expected[i] }
      }
    }
    expect(gradient, expected)
    expect(sum, total)
    for axis in 0...1 { expect(sums[axis], byPlace[axis]) }
  }

  @Test(arguments: variants, [3, 8, 21, 32])
  func affineGradients(_ build: Build, columns: Int) throws {
    let kernels = try build.kernels
    let (gradient, u, gain) = (try floats("gradient"), try floats("u"), try floats("gain"))
    let before = values(gradient)
    let (byGain, byOffset) = (try FloatBuffer(count: Self.stride), try FloatBuffer(count: Self.stride))
    kernels.affineGradient(
      AffineGradient(
        gradient: gradient.base, stride: Self.stride, u: u.base, uStride: Self.stride, gain: gain.base,
        gainGradient: byGain.base, offsetGradient: byOffset.base),
      rows: Self.rows, columns: columns)
    var (expected, expectedGain, expectedOffset) = (
      before, values(byGain).map { _ in 0.0 }, values(byOffset).map { _ in 0.0 }
    )
    for row in 0..<Self.rows {
      for column in 0..<columns {
        let i = row * Self.stride + column
        expected[i] = before[i] * Double(gain.base[column])
        expectedGain[column] += before[i] * Double(u.base[i])
        expectedOffset[column] += before[i]
      }
    }
    expect(gradient, expected)
    expect(byGain, expectedGain)
    expect(byOffset, expectedOffset)
  }

  @Test(arguments: variants, [3, 8, 21, 32])
  func couplingGradients(_ build: Build, columns: Int) throws {
    let kernels = try build.kernels
    let (gradient, x2, tanh, exponential) = (
      try floats("gradient"), try floats("x2"), try floats("tanh"), try floats("exponential")
    )
    let before = values(gradient)
    let (rates, scale, shift) = (try floats("rates"), try floats("scale"), try floats("shift"))
    var (expectedScale, expectedShift, expected) = (values(scale), values(shift), before)
    let sums = [try FloatBuffer(count: Self.stride), try FloatBuffer(count: Self.stride)]
    kernels.couplingGradient(
      CouplingGradient(
        gradient: gradient.base, x2: x2.base, stride: Self.stride, tanh: tanh.base, exponential: exponential.base,
        keptStride: Self.stride, rates: rates.base, scale: scale.base, shift: shift.base, outputStride: Self.stride,
        scaleSum: sums[0].base, shiftSum: sums[1].base, scaleFactor: 0.19, shiftFactor: 0.1),
      rows: Self.rows, columns: columns)
    var expectedSums = sums.map { values($0).map { _ in 0.0 } }
    for row in 0..<Self.rows {
      for column in 0..<columns {
        let i = row * Self.stride + column
        let t = Double(tanh.base[i])
        expected[i] = before[i] * Double(exponential.base[i])
        expectedScale[i] = 0.19 * (expected[i] * Double(x2.base[i]) + Double(rates.base[row])) * (1 - t * t)
        expectedShift[i] = 0.1 * before[i]
        expectedSums[0][column] += expectedScale[i]
        expectedSums[1][column] += expectedShift[i]
      }
    }
    expect(gradient, expected)
    expect(scale, expectedScale)
    expect(shift, expectedShift)
    for i in 0...1 { expect(sums[i], expectedSums[i]) }
  }
}
