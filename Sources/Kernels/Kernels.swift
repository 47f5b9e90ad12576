import Basics
@_exported import KernelTasks

/// The kernels in use: those of the best build that this processor runs, or of the one that the environment names.
package enum Kernels {
  /// What `CFLOWAD_KERNELS` asked for, "" when it is not set.
  package static let requested = KernelBuild.requested
  package static let choice = KernelBuild.choose(requested)

  /// Those of the baseline, which every processor runs, when the environment names none that can be had. Nothing is
  /// computed by them then: ``checkChoice()`` stops whoever would.
  package static let selected: any KernelTable = (try? choice.get()) ?? KernelBuild.baseline.kernels

  /// Of the selected build.
  package static let gemmShape = selected.gemmShape

  /// Fails when `CFLOWAD_KERNELS` names no build, or one that this processor lacks the instructions for.
  package static func checkChoice() throws(Failure) { _ = try choice.get() }
}
