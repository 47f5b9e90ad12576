import Testing

@testable import Kernels

/// The builds of the kernels, as the arguments of tests that run on each.
let variants = KernelBuild.allCases.map(Build.init)

/// One build.
struct Build: Sendable, CustomTestStringConvertible {
  let build: KernelBuild

  /// Cancels the test of a build that this processor cannot run, which then counts as skipped.
  var kernels: any KernelTable {
    get throws {
      guard build.isAvailable else { try Test.cancel("this processor cannot run the \(build.rawValue) kernels") }
      return build.kernels
    }
  }

  var testDescription: String { build.rawValue }
}
