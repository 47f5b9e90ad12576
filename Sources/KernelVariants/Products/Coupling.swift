import KernelTasks

// This file is hot: see Products/GEMM.swift for what that forbids.

extension Variant {
  package func coupling(_ task: borrowing Coupling, rows: Range<Int>) {
    for row in rows {
      let s = task.coefficients + row &* task.coefficientStride
      let t = s + task.width
      let x = task.x2 + row &* task.stride
      let alpha = task.alpha
      var sum = Vector()
      // Lanes beyond the end hold s = 0 and add nothing, since tanh 0 is 0.
      forEachVector(count: task.width) { start, lanes in
        let j = VectorMath.tanh(Vector.load(s + start, first: lanes)) * alpha
        sum += j
        var scaled = Vector.load(t + start, first: lanes)
        scaled.add(.load(x + start, first: lanes), times: VectorMath.exp(j))
        scaled.store(to: x + start, first: lanes)
      }
      task.logDeterminants[row] += sum.sum()
    }
  }

  package func squaredNorms(_ task: borrowing GlobalAffine, rows: Range<Int>, into norms: UnsafeMutablePointer<Float>) {
    for row in rows {
      let u = task.u + row &* task.stride
      let (scale, offset) = (task.scale, task.offset)
      var sum = Vector()
      forEachVector(count: task.channels) { start, lanes in
        var z = Vector.load(offset + start, first: lanes)
        z.add(.load(u + start, first: lanes), times: .load(scale + start, first: lanes))
        sum.add(z, times: z)
      }
      norms[row] = sum.sum()
    }
  }
}
