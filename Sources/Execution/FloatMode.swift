import CProcessor

/// The calling thread's floating-point mode: rounding, denormals, and traps.
package enum FloatMode {
  /// Runs the body in the default mode and restores the host's, so that no result depends on what the host has set.
  @inline(__always)
  package static func inDefault<Result, Problem>(_ body: () throws(Problem) -> Result) throws(Problem) -> Result {
    let outer = cflowad_processor_enter_default_float_mode()
    defer { cflowad_processor_leave_default_float_mode(outer) }
    return try body()
  }

  /// Runs a function of the host, called within ``inDefault(_:)``, in the mode that the host has set.
  package static func inHosts<Result>(_ body: () -> Result) -> Result {
    cflowad_processor_enter_host_float_mode()
    defer { cflowad_processor_leave_host_float_mode() }
    return body()
  }
}
