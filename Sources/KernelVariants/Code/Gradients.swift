import KernelTasks

// This file is hot: see Products/GEMM.swift for what that forbids.

extension Variant {
  package func reluGradient(_ task: borrowing ReluGradient, rows: Int, columns: Int) {
    let (values, sum, stride) = (task.values, task.sum, task.stride)
    for row in 0..<rows {
      let gradient = task.gradient + row &* stride
      let value = values + row &* task.valueStride
      let (first, second) = (task.firstPlaces.sums(row, stride), task.secondPlaces.sums(row, stride))
      forEachVector(count: columns) { start, lanes in
        let isOpen = Vector.load(value + start, first: lanes) .> 0
        let d = Vector().replacing(with: .load(gradient + start, first: lanes), where: isOpen)
        d.store(to: gradient + start, first: lanes)
        d.add(to: sum + start, first: lanes)
        if let first { d.add(to: first + start, first: lanes) }
        if let second { d.add(to: second + start, first: lanes) }
      }
    }
  }

  package func affineGradient(_ task: borrowing AffineGradient, rows: Int, columns: Int) {
    let (gain, gainGradient, offsetGradient) = (task.gain, task.gainGradient, task.offsetGradient)
    for row in 0..<rows {
      let gradient = task.gradient + row &* task.stride
      let u = task.u + row &* task.uStride
      forEachVector(count: columns) { start, lanes in
        let d = Vector.load(gradient + start, first: lanes)
        (d * Vector.load(u + start, first: lanes)).add(to: gainGradient + start, first: lanes)
        d.add(to: offsetGradient + start, first: lanes)
        (d * Vector.load(gain + start, first: lanes)).store(to: gradient + start, first: lanes)
      }
    }
  }

  package func couplingGradient(_ task: borrowing CouplingGradient, rows: Int, columns: Int) {
    let (scaleSum, shiftSum) = (task.scaleSum, task.shiftSum)
    let (scaleFactor, shiftFactor) = (task.scaleFactor, task.shiftFactor)
    for row in 0..<rows {
      let (gradient, x2) = (task.gradient + row &* task.stride, task.x2 + row &* task.stride)
      let (tanh, exponential) = (task.tanh + row &* task.keptStride, task.exponential + row &* task.keptStride)
      let (scale, shift) = (task.scale + row &* task.outputStride, task.shift + row &* task.outputStride)
      let lossGradient = Vector(repeating: task.lossGradient[row])
      forEachVector(count: columns) { start, lanes in
        let d = Vector.load(gradient + start, first: lanes)
        let dShift = d * shiftFactor
        let dx = d * Vector.load(exponential + start, first: lanes)
        let t = Vector.load(tanh + start, first: lanes)
        let dScale = dx.times(.load(x2 + start, first: lanes), plus: lossGradient) * ((1 - t * t) * scaleFactor)
        dx.store(to: gradient + start, first: lanes)
        dShift.store(to: shift + start, first: lanes)
        dScale.store(to: scale + start, first: lanes)
        dShift.add(to: shiftSum + start, first: lanes)
        dScale.add(to: scaleSum + start, first: lanes)
      }
    }
  }
}

extension PlaceSums {
  /// The row of sums for the place of a row.
  @inline(__always)
  fileprivate func sums(_ row: Int, _ stride: Int) -> UnsafeMutablePointer<Float>? {
    guard let sums, let indices else { return nil }
    return sums + Int(indices[row]) &* stride
  }
}

extension SIMD8<Float> {
  /// Adds the first `count` lanes to `target`.
  @inline(__always)
  fileprivate func add(to target: UnsafeMutablePointer<Float>, first count: Int) {
    (Vector.load(target, first: count) + self).store(to: target, first: count)
  }
}
