/// Sums of maps.
package enum Addition {
  /// output = a + b; output may be one of them.
  package static func run(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, count: Int, into output: UnsafeMutablePointer<Float>
  ) {
    for i in 0..<count { output[i] = a[i] + b[i] }
  }
}
