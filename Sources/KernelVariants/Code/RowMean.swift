import KernelTasks

// This file is hot: see Products/GEMM.swift for what that forbids.

extension Variant {
  package func addRowMean(_ task: borrowing RowMean, times factor: Float, to target: UnsafeMutablePointer<Float>) {
    var place = 0
    while place &+ WideVector.width <= task.length {
      accumulate(mean(WideVector.self, task, place), times: factor, in: target + place)
      place &+= WideVector.width
    }
    while place &+ Vector.width <= task.length {
      accumulate(mean(Vector.self, task, place), times: factor, in: target + place)
      place &+= Vector.width
    }
    while place < task.length {
      target[place] += mean(task, place) * factor
      place &+= 1
    }
  }
}

/// Adds mean * factor. All builds round the product before they add it.
@inline(__always)
private func accumulate<V: FloatVector>(_ mean: V, times factor: Float, in target: UnsafeMutablePointer<Float>) {
  (V.load(target) + mean * V(repeating: factor)).store(to: target)
}

/// The means of the rows' values for a vector of places.
@inline(__always)
private func mean<V: FloatVector>(_: V.Type, _ task: borrowing RowMean, _ place: Int) -> V {
  let first = task.rows + place
  let base = V.load(first)
  var mean = base
  var row = first
  for i in 0..<task.weightCount {
    row += task.pitch
    mean += (V.load(row) - base) * V(repeating: task.weights[i])
  }
  return mean
}

/// The mean of the rows' values at one place.
private func mean(_ task: borrowing RowMean, _ place: Int) -> Float {
  let base = task.rows[place]
  var mean = base
  for i in 0..<task.weightCount {
    mean += (task.rows[(i &+ 1) &* task.pitch &+ place] - base) * task.weights[i]
  }
  return mean
}
