import CVectors

/// The weights of one output, rounded to integers times a step (post-training quantization). The outputs of a layer take turns in
/// its memory.
package struct RowRounding {
  /// The weights, each times the scale of its input.
  package private(set) var weights: [Double]
  package private(set) var integers: [Double]
  package private(set) var step = 1.0
  /// How much the error of each weight counts: the mean square of what it is multiplied with.
  private var importance: [Double]
  /// The largest magnitude of an integer.
  private var limit = 127.0

  package init(count: Int) {
    weights = Array(repeating: 0, count: count)
    (integers, importance) = (weights, weights)
  }

  /// - Parameters:
  ///   - values: the weights, those of all taps of an input together.
  ///   - firstInput: the input that the first weights belong to.
  ///   - scales: what an integer 1 of each input stands for.
  ///   - squares: the mean square of each input.
  ///   - limit: the largest magnitude of an integer.
  ///   - room: what the magnitudes of 16-bit weights may add up to; nil for weights of 8 bits, with the step that gives the least
  ///     error.
  package mutating func round(
    _ values: ArraySlice<Float>, taps: Int, firstInput: Int, scales: [Double], squares: [Double], limit: Int16 = 127,
    room: Int? = nil
  ) {
    self.limit = Double(limit)
    for (i, value) in values.enumerated() {
      let input = firstInput + i / taps
      let scale = scales[input]
      weights[i] = Double(value) * scale
      importance[i] = squares[input] / (scale * scale) + 1e-12
    }
    chooseStep(room: room)
    for i in weights.indices { integers[i] = integer(i) }
  }

  private mutating func chooseStep(room: Int?) {
    let largest = weights.reduce(0) { max($0, abs($1)) }
    guard largest > 0 else {
      step = 1
      return
    }
    if let room {
      // Leaves half a step for each weight, which may be rounded up.
      let sum = weights.reduce(0) { $0 + abs($1) }
      step = max(largest / limit, sum / (Double(room) - Double(weights.count) / 2))
      return
    }
    var (best, least) = (largest / limit, Double.infinity)
    for part in stride(from: 1.0, to: 0.5, by: -0.02) {
      step = largest * part / limit
      let error = cflowad_rounding_error(weights, importance, weights.count, step)
      if error < least { (best, least) = (step, error) }
    }
    step = best
  }

  /// The integer that stands for a weight.
  private func integer(_ i: Int) -> Double {
    min(max((weights[i] / step).rounded(.toNearestOrEven), -limit), limit)
  }
}
