import Basics
import Testing

@testable import Layers

/// Weights as integers times a step, beside plain loops.
@Suite struct RowRoundingTests {
  /// Instructions take two weights at a time, so that an odd count leaves one over.
  @Test(arguments: [1, 2, 27, 64]) func theStepHasTheLeastError(_ count: Int) {
    var random = Random(seed: UInt64(count), purpose: "rounding")
    let taps = count % 3 == 0 ? 3 : 1
    let weights = (0..<count).map { _ in Float(random.uniform(in: -1...1)) }
    // The first input is of the row before.
    let scales = (0...count / taps).map { _ in random.uniform(in: 0.01...0.1) }
    let squares = (0...count / taps).map { _ in random.uniform(in: 0...4) }
    var row = RowRounding(count: count)
    row.round(weights[...], taps: taps, firstInput: 1, scales: scales, squares: squares, room: nil)

    let scaled = (0..<count).map { Double(weights[$0]) * scales[1 + $0 / taps] }
    func integer(_ i: Int, _ step: Double) -> Double {
      min(max((scaled[i] / step).rounded(.toNearestOrEven), -127), 127)
    }
    func error(_ step: Double) -> Double {
      (0..<count).reduce(0) { sum, i in
        let (input, difference) = (1 + i / taps, integer(i, step) * step - scaled[i])
        return sum + difference * difference * (squares[input] / (scales[input] * scales[input]) + 1e-12)
      }
    }
    let largest = scaled.map(abs).max() ?? 0
    let steps = stride(from: 1.0, to: 0.5, by: -0.02).map { largest * $0 / 127 }
    #expect(steps.count == 25 && row.weights == scaled)
    #expect(row.step == steps.min { error($0) < error($1) })
    #expect(row.integers == (0..<count).map { integer($0, row.step) })
  }

  @Test func weightsOf16BitsAreWithinTheirRoom() {
    var row = RowRounding(count: 300)
    let weights = (0..<300).map { Float($0 % 2 == 0 ? 1 : -1) * (1 + Float($0) / 1000) }
    let room = Int(Int32.max) / 255
    row.round(
      weights[...], taps: 100, firstInput: 0, scales: [1, 1, 1], squares: [1, 1, 1], limit: .max, room: room)
    let sum = row.integers.reduce(0) { $0 + abs($1) }
    #expect(sum <= Double(room) && sum > 0.99 * Double(room))
    #expect(zip(row.integers, row.weights).allSatisfy { abs($0 * row.step - $1) <= row.step / 2 })
  }

  @Test func zerosStayZeros() {
    var row = RowRounding(count: 5)
    for room in [nil, 1000] {
      row.round(
        [0, 0, 0, 0, 0], taps: 1, firstInput: 0, scales: [1, 1, 1, 1, 1], squares: [1, 1, 1, 1, 1], room: room)
      #expect(row.integers == [0, 0, 0, 0, 0] && row.step == 1)
    }
  }
}
