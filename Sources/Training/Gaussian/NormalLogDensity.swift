import Basics

/// The log-density, divided by `count`, of a vector that was mapped to z, when z has the distribution N(0, 1).
///
/// - Parameter logDeterminant: ln |det| of the map to z.
func normalLogDensity(_ z: UnsafePointer<Float>, count: Int, logDeterminant: Double) -> Double {
  let square = (0..<count).reduce(0.0) { $0 + Double(z[$1]) * Double(z[$1]) }
  return (logDeterminant - 0.5 * square) / Double(count) - 0.5 * log(2 * Double.pi)
}
