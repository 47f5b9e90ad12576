import CProcessor

/// The calling thread's floating-point mode: rounding, treatment of denormals, what traps.
package enum FloatMode {
  /// Runs the body in the default mode, whatever the host has set, and leaves that as it was: what is computed depends on
  /// neither.
  @inline(__always)
  package static func inDefault<Result, Problem>(_ body: () throws(Problem) -> Result) throws(Problem) -> Result {
    let outer = cflowad_processor_enter_default_float_mode()
    defer { cflowad_processor_leave_default_float_mode(outer) }
    return try body()
  }

  /// Runs a function of the host within ``inDefault(_:)``: in the mode that the host has set.
  package static func inHosts<Result>(_ body: () -> Result) -> Result {
    cflowad_processor_enter_host_float_mode()
    defer { cflowad_processor_leave_host_float_mode() }
    return body()
  }
}
