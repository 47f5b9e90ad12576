import CProcessor
@_exported import KernelTasks
import KernelsAVX2
import KernelsBaseline

/// The kernels in use: those of the best build that this processor runs.
package enum Kernels {
  package static let selected: any KernelTable =
    isAVX2Available ? KernelsAVX2.Variant(name: "AVX2+FMA") : KernelsBaseline.Variant(name: "baseline")

  package static var isAVX2Available: Bool { cflowad_processor_has_avx2() != 0 }
}
