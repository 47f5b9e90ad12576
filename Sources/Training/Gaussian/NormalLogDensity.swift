import Basics

/// The log-density of what became z, over its count, when z is distributed as N(0, 1).
///
/// - Parameter logDeterminant: ln |det| of the way to z.
func normalLogDensity(_ z: UnsafePointer<Float>, count: Int, logDeterminant: Double) -> Double {
  let square = (0..<count).reduce(0.0) { $0 + Double(z[$1]) * Double(z[$1]) }
  return (logDeterminant - 0.5 * square) / Double(count) - 0.5 * log(2 * Double.pi)
}
