/// A step of Adam (D. Kingma, J. Ba, ICLR 2015) on some parameters, with torch.optim.Adam's arithmetic and no decay:
/// ```
/// m += (1 - beta1) (g - m)     v = beta2 v + (1 - beta2) g^2     p -= rate m / (sqrt(v) secondMomentRate + epsilon)
/// ```
package struct AdamStep {
  package var parameters: UnsafeMutablePointer<Float>
  package var gradient: UnsafePointer<Float>
  package var firstMoments: UnsafeMutablePointer<Float>
  package var secondMoments: UnsafeMutablePointer<Float>
  package var count: Int
  /// The learning rate, corrected for the first moment's bias.
  package var rate: Float
  /// Corrects the second moment's root for its bias.
  package var secondMomentRate: Float

  package static var beta1: Double { 0.9 }
  package static var beta2: Double { 0.999 }
  package static var epsilon: Float { 1e-8 }

  package init(
    parameters: UnsafeMutablePointer<Float>, gradient: UnsafePointer<Float>,
    firstMoments: UnsafeMutablePointer<Float>, secondMoments: UnsafeMutablePointer<Float>, count: Int, rate: Float,
    secondMomentRate: Float
  ) {
    self.parameters = parameters
    self.gradient = gradient
    self.firstMoments = firstMoments
    self.secondMoments = secondMoments
    self.count = count
    self.rate = rate
    self.secondMomentRate = secondMomentRate
  }
}
