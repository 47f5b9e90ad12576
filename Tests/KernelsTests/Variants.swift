import Testing

@testable import Kernels

/// The builds of the kernels for float32, and those for 8 bits, as the arguments of tests that run on each.
let variants = KernelBuild.floatBuilds.map(Build.init)
let quantizedVariants = KernelBuild.allCases.map(Build.init)

/// One build.
struct Build: Sendable, CustomTestStringConvertible {
  let build: KernelBuild

  /// For float32. Cancels the test of a build that this processor cannot run, which then counts as skipped.
  var kernels: any KernelTable {
    get throws {
      try check()
      return build.kernels
    }
  }

  /// For float32 with the same bits from every build.
  var exactKernels: any ExactKernels {
    get throws {
      try check()
      return build.exactKernels
    }
  }

  /// For 8 bits.
  var quantizedKernels: any QuantizedKernels {
    get throws {
      try check()
      return build.quantizedKernels
    }
  }

  private func check() throws {
    guard build.isAvailable else { try Test.cancel("this processor cannot run the \(build.rawValue) kernels") }
  }

  var testDescription: String { build.rawValue }
}
