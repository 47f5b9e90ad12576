import Basics
@_exported import KernelTasks

/// The kernels in use: those of the best build that this processor can run, or of the one that the environment names.
package enum Kernels {
  /// What `CFLOWAD_KERNELS` asked for, "" when it is not set.
  package static let requested = KernelBuild.requested
  package static let choice = {
    KernelBuild(rawValue: requested)?.requestPermission()
    return KernelBuild.choose(requested)
  }()

  /// Falls back to the baseline when the environment names a build that is not available. ``checkChoice()`` then fails
  /// before anything is computed by it.
  package static let build = (try? choice.get()) ?? .baseline
  package static let selected = build.kernels
  /// The kernels that give the same bits in every build: those for float32 here, those for 8 bits below.
  package static let exact = build.exactKernels
  package static let quantized = build.quantizedKernels

  /// The shape of matrix products in the selected build.
  package static let gemmShape = selected.gemmShape

  /// Fails when `CFLOWAD_KERNELS` names no build, or one that this processor lacks the instructions for.
  package static func checkChoice() throws(Failure) { _ = try choice.get() }
}
