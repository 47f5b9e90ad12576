import KernelTasks

// This file is hot: see Products/GEMM.swift for what that forbids.

extension Variant {
  package func adam(_ step: borrowing AdamStep) {
    let fresh1 = Float(1 - AdamStep.beta1)
    let fresh2 = Float(1 - AdamStep.beta2)
    let kept2 = Float(AdamStep.beta2)
    let (p, g) = (step.parameters, step.gradient)
    let (m, v) = (step.firstMoments, step.secondMoments)
    let (rate, secondMomentRate, epsilon) = (step.rate, step.secondMomentRate, AdamStep.epsilon)
    // This is scalar code, which the compiler vectorizes as long as nothing in the loop is read through a function of another
    // module. `SIMD8.squareRoot` would become eight scalar roots.
    for i in 0..<step.count {
      let gradient = g[i]
      let first = m[i] + fresh1 * (gradient - m[i])
      let second = kept2 * v[i] + fresh2 * gradient * gradient
      m[i] = first
      v[i] = second
      p[i] -= rate * first / (second.squareRoot() * secondMomentRate + epsilon)
    }
  }
}
