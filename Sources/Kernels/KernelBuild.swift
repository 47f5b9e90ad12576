import Basics
import CProcessor
import KernelTasks
import KernelsAVX2
import KernelsAVX512
import KernelsBaseline
import KernelsExactBaseline
import KernelsQuantizedAMX
import KernelsQuantizedAVX512VNNI
import KernelsQuantizedAVXVNNI

/// The builds of the kernels, the most basic one first. The names are those that `CFLOWAD_KERNELS` takes.
package enum KernelBuild: String, CaseIterable, Sendable {
  case baseline, avx2
  case avxVNNI = "avx-vnni"
  case avx512
  case avx512VNNI = "avx512-vnni"
  case amx

  /// The kernels for float32. They add products with one rounding where the processor can, and have no use for dot products of
  /// bytes.
  package var kernels: any KernelTable {
    switch self {
    case .baseline: KernelsBaseline.Variant()
    case .avx2, .avxVNNI: KernelsAVX2.Variant()
    case .avx512, .avx512VNNI, .amx: KernelsAVX512.Variant()
    }
  }

  /// The kernels for float32 with the same bits from every build. They add products with one rounding, if need be by emulation.
  package var exactKernels: any ExactKernels {
    switch self {
    case .baseline: KernelsExactBaseline.Variant()
    case .avx2, .avxVNNI: KernelsAVX2.Variant()
    case .avx512, .avx512VNNI, .amx: KernelsAVX512.Variant()
    }
  }

  /// The kernels for 8 bits, with the same bits from every build.
  package var quantizedKernels: any QuantizedKernels {
    switch self {
    case .baseline: KernelsExactBaseline.Variant()
    case .avx2: KernelsAVX2.Variant()
    case .avxVNNI: KernelsQuantizedAVXVNNI.Variant()
    case .avx512: KernelsAVX512.Variant()
    case .avx512VNNI: KernelsQuantizedAVX512VNNI.Variant()
    case .amx: KernelsQuantizedAMX.Variant()
    }
  }

  /// What runs, for logs: "AVX-512", "AVX-512 and AMX".
  package var summary: String { self == .amx ? "\(kernels.name) and AMX" : kernels.name }

  /// The builds that have float32 kernels of their own.
  package static let floatBuilds: [KernelBuild] = [.baseline, .avx2, .avx512]

  /// Whether this processor has the build's instructions, and the process may use them.
  package var isAvailable: Bool {
    switch self {
    case .baseline: true
    case .avx2: cflowad_processor_has_avx2() != 0
    case .avxVNNI: cflowad_processor_has_avx_vnni() != 0
    case .avx512: cflowad_processor_has_avx512() != 0
    case .avx512VNNI: cflowad_processor_has_avx512_vnni() != 0
    case .amx: cflowad_processor_has_amx() != 0
    }
  }

  /// Asks the system for what the build needs beside instructions. AMX is for processes that ask for it, and the permission is the
  /// whole process's: signal handlers' stacks, if they are the host's own, must be larger from then on. So the library does not ask by
  /// itself; it takes AMX when the host named it, or when another library of the process has asked.
  package func requestPermission() { if self == .amx { cflowad_processor_request_amx() } }

  /// The value of `CFLOWAD_KERNELS`, "" when it is not set.
  static var requested: String { getenv("CFLOWAD_KERNELS").map { String(cString: $0) } ?? "" }

  /// The build of this name, or the best one for an empty name. Fails with `.invalidArgument` for an unknown name, and
  /// with `.unsupported` for a build that this processor cannot run. It never falls back, so that tests and bug reports
  /// are about the build that they name.
  static func choose(
    _ name: String, available: [KernelBuild] = allCases.filter(\.isAvailable)
  ) -> Result<KernelBuild, Failure> {
    if name.isEmpty { return .success(available.last ?? .baseline) }
    guard let build = KernelBuild(rawValue: name) else {
      let names = allCases.map(\.rawValue).joined(separator: ", ")
      return .failure(
        Failure(.invalidArgument, "CFLOWAD_KERNELS is \"\(name)\" in the environment, not one of \(names)"))
    }
    guard available.contains(build) else {
      let names = available.map(\.rawValue).joined(separator: ", ")
      let reason = build == .amx ? ", or the system does not let the process use AMX" : ""
      return .failure(
        Failure(
          .unsupported,
          "CFLOWAD_KERNELS is \"\(name)\" in the environment, but this processor runs only \(names)\(reason)"))
    }
    return .success(build)
  }
}
