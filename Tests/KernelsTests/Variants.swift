import KernelsAVX2
import KernelsBaseline
import Testing

@testable import Kernels

/// The builds of the kernels that this processor runs.
let variants: [KernelTable] =
  [KernelsBaseline.kernelTable(name: "baseline")]
  + (Kernels.isAVX2Available ? [KernelsAVX2.kernelTable(name: "AVX2+FMA")] : [])

extension KernelTable: CustomTestStringConvertible {
  public var testDescription: String { name }
}
