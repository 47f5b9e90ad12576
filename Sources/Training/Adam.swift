import Basics
import Kernels

/// Adam's moments of all trainable numbers; see ``AdamStep``.
final class Adam {
  let firstMoments: FloatBuffer
  let secondMoments: FloatBuffer

  /// Makes moments of zero for `count` trainable numbers.
  init(count: Int) throws(Failure) {
    firstMoments = try FloatBuffer(count: count)
    secondMoments = try FloatBuffer(count: count)
  }

  /// The bias-corrected factors of a step.
  struct Rate {
    let step: Float
    let secondMoment: Float
  }

  /// - Parameter step: the number of the step, from 1.
  func rate(_ learningRate: Float, step: Int) -> Rate {
    Rate(
      step: Float(Double(learningRate) / (1 - pow(AdamStep.beta1, Double(step)))),
      secondMoment: Float(1 / (1 - pow(AdamStep.beta2, Double(step))).squareRoot()))
  }

  /// Moves `count` parameters, whose moments begin at `first`, against their gradient.
  func update(
    _ parameters: UnsafeMutablePointer<Float>, gradient: UnsafePointer<Float>, from first: Int, count: Int, rate: Rate
  ) {
    Kernels.selected.adam(
      AdamStep(
        parameters: parameters, gradient: gradient, firstMoments: firstMoments.base + first,
        secondMoments: secondMoments.base + first, count: count, rate: rate.step, secondMomentRate: rate.secondMoment))
  }
}
