import Basics
import CProcessor
@_exported import KernelTasks
import KernelsAVX2
import KernelsAVX512
import KernelsBaseline

/// The kernels in use: those of the best build that this processor runs.
package enum Kernels {
  package static let selected: any KernelTable = {
    if isAVX512Available { return KernelsAVX512.Variant() }
    if isAVX2Available { return KernelsAVX2.Variant() }
    return KernelsBaseline.Variant()
  }()

  package static var isAVX2Available: Bool { cflowad_processor_has_avx2() != 0 }
  package static var isAVX512Available: Bool { cflowad_processor_has_avx512() != 0 }
}
