import KernelsAVX2
import KernelsAVX512
import KernelsBaseline
import Testing

@testable import Kernels

/// The builds of the kernels that this processor runs.
let variants: [Build] =
  [Build(kernels: KernelsBaseline.Variant())]
  + (Kernels.isAVX2Available ? [Build(kernels: KernelsAVX2.Variant())] : [])
  + (Kernels.isAVX512Available ? [Build(kernels: KernelsAVX512.Variant())] : [])

/// One build, as a test's argument.
struct Build: Sendable, CustomTestStringConvertible {
  let kernels: any KernelTable
  var testDescription: String { kernels.name }
}
