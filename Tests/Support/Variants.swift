import Kernels
import Testing

/// The builds of the kernels for float32, and those for 8 bits, as the arguments of tests that run on each.
package let variants = KernelBuild.floatBuilds.map(Build.init)
package let quantizedVariants = KernelBuild.allCases.map(Build.init)

/// Asks the system for what a build needs. The kernels that everything else in the process uses are chosen before: once the process may
/// use AMX they would be another choice, and which tests see it would depend on the order of tests.
package func requestPermission(for build: KernelBuild) {
  _ = Kernels.build
  build.requestPermission()
}

/// One build.
package struct Build: Sendable, CustomTestStringConvertible {
  package let build: KernelBuild

  /// For float32. Cancels the test of a build that this processor cannot run, which then counts as skipped.
  package var kernels: any KernelTable {
    get throws {
      try check()
      return build.kernels
    }
  }

  /// For float32 with the same bits from every build.
  package var exactKernels: any ExactKernels {
    get throws {
      try check()
      return build.exactKernels
    }
  }

  /// For 8 bits.
  package var quantizedKernels: any QuantizedKernels {
    get throws {
      try check()
      return build.quantizedKernels
    }
  }

  private func check() throws {
    requestPermission(for: build)
    guard build.isAvailable else { try Test.cancel("this processor cannot run the \(build.rawValue) kernels") }
  }

  package var testDescription: String { build.rawValue }
}
