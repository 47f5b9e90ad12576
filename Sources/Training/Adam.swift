import Basics
import Glibc
import Kernels

/// Adam (D. Kingma, J. Ba, ICLR 2015) with torch.optim.Adam's arithmetic: betas 0.9 and 0.999, epsilon 1e-8, no decay.
final class Adam {
  let firstMoments: FloatBuffer
  let secondMoments: FloatBuffer

  static let beta1 = 0.9
  static let beta2 = 0.999
  static let epsilon: Float = 1e-8

  /// For `count` trainable numbers, all moments zero.
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
      step: Float(Double(learningRate) / (1 - pow(Self.beta1, Double(step)))),
      secondMoment: Float(1 / (1 - pow(Self.beta2, Double(step))).squareRoot()))
  }

  /// Moves `count` parameters, whose moments begin at `first`, against their gradient.
  func update(
    _ parameters: UnsafeMutablePointer<Float>, gradient: UnsafePointer<Float>, from first: Int, count: Int, rate: Rate
  ) {
    let m = firstMoments.base + first
    let v = secondMoments.base + first
    let fresh1 = Float(1 - Self.beta1)
    let fresh2 = Float(1 - Self.beta2)
    let kept2 = Float(Self.beta2)
    for i in 0..<count {
      let g = gradient[i]
      m[i] += fresh1 * (g - m[i])
      v[i] = kept2 * v[i] + fresh2 * g * g
      parameters[i] -= rate.step * m[i] / (v[i].squareRoot() * rate.secondMoment + Self.epsilon)
    }
  }
}
