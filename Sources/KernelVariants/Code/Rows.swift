import KernelTasks

// This file is hot: see Products/GEMM.swift for what that forbids.

extension SIMD8<Float> {
  /// The vector with all lanes but the first `count` set to a value.
  @inline(__always)
  fileprivate func filled(after count: Int, with value: Float) -> Vector {
    if count == 8 { return self }
    var vector = self
    for lane in count..<8 { vector[lane] = value }
    return vector
  }
}

extension Variant {
  package func rowNorm(_ task: borrowing RowNorm, rows: Range<Int>) {
    let count = Float(task.channels)
    let (weight, bias, epsilon) = (task.weight, task.bias, task.epsilon)
    for row in rows {
      let x = task.x + row &* task.channels
      let y = task.y + row &* task.channels
      var sum = Vector()
      forEachVector(count: task.channels) { start, lanes in sum += .load(x + start, first: lanes) }
      let mean = Vector(repeating: sum.sum() / count)
      var squares = Vector()
      forEachVector(count: task.channels) { start, lanes in
        let d = (Vector.load(x + start, first: lanes) - mean).filled(after: lanes, with: 0)
        squares.add(d, times: d)
      }
      let factor = Vector(repeating: 1 / (squares.sum() / count + epsilon).squareRoot())
      forEachVector(count: task.channels) { start, lanes in
        var value = Vector.load(bias + start, first: lanes)
        value.add(
          (Vector.load(x + start, first: lanes) - mean) * factor, times: .load(weight + start, first: lanes))
        value.store(to: y + start, first: lanes)
      }
    }
  }

  /// Replaces each row, in place, by e^(x - maximum) divided by the row's sum of these.
  package func softmax(_ values: UnsafeMutablePointer<Float>, rows: Int, count: Int) {
    for row in 0..<rows {
      let x = values + row &* count
      var top = Vector(repeating: -.infinity)
      forEachVector(count: count) { start, lanes in
        let value = Vector.load(x + start, first: lanes).filled(after: lanes, with: -.infinity)
        top = top.replacing(with: value, where: value .> top)
      }
      // Not by `top.max()`, which would call a function of the standard library whose name all builds share.
      var maximum = top[0]
      for lane in 1..<8 { maximum = top[lane] > maximum ? top[lane] : maximum }
      var sum = Vector()
      forEachVector(count: count) { start, lanes in
        let power = VectorMath.exp(Vector.load(x + start, first: lanes) - maximum)
        sum += power.filled(after: lanes, with: 0)
        power.store(to: x + start, first: lanes)
      }
      let factor = 1 / sum.sum()
      forEachVector(count: count) { start, lanes in
        (Vector.load(x + start, first: lanes) * factor).store(to: x + start, first: lanes)
      }
    }
  }
}
