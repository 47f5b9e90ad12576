import KernelsAVX2
import KernelsBaseline
import Testing

@testable import Kernels

/// The builds of the kernels that this processor runs.
let variants: [Build] =
  [Build(kernels: KernelsBaseline.Variant(name: "baseline"))]
  + (Kernels.isAVX2Available ? [Build(kernels: KernelsAVX2.Variant(name: "AVX2+FMA"))] : [])

/// One build, as a test's argument.
struct Build: Sendable, CustomTestStringConvertible {
  let kernels: any KernelTable
  var testDescription: String { kernels.name }
}
