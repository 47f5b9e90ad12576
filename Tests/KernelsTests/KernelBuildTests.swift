import Basics
import Testing

@testable import Kernels

/// Which build of the kernels runs.
@Suite struct KernelBuildTests {
  private func choose(_ name: String, _ available: [KernelBuild]) -> Result<String, Failure> {
    KernelBuild.choose(name, available: available).map(\.rawValue)
  }

  @Test func withoutANameTheBestRuns() throws {
    #expect(try choose("", [.baseline]).get() == "baseline")
    #expect(try choose("", [.baseline, .avx2]).get() == "avx2")
    #expect(try choose("", [.baseline, .avx2, .avxVNNI]).get() == "avx-vnni")
    #expect(try choose("", KernelBuild.allCases).get() == "amx")
  }

  @Test func aNamedOneRunsOrIsRefused() throws {
    for build in KernelBuild.allCases {
      #expect(try choose(build.rawValue, KernelBuild.allCases).get() == build.rawValue)
    }
    let lacking = #expect(throws: Failure.self) { try choose("avx512", [.baseline, .avx2]).get() }
    #expect(lacking?.kind == .unsupported)
    #expect(lacking?.message.hasSuffix("this processor runs only baseline, avx2") == true)
    for name in ["AVX2", "sse", "avx2 ", "\u{fffd}"] {
      let unknown = #expect(throws: Failure.self) { try choose(name, KernelBuild.allCases).get() }
      #expect(unknown?.kind == .invalidArgument)
      #expect(unknown?.message.contains("not one of baseline, avx2, avx-vnni, avx512, avx512-vnni, amx") == true)
    }
  }

  /// Under `Tests/kernels.sh`: the tests of layers, encoders and flows run on the build that they say.
  @Test func theRequestedOneIsSelected() throws {
    guard let requested = KernelBuild(rawValue: Kernels.requested) else { return }
    #expect(Kernels.build == requested)
    #expect(Kernels.selected.name == requested.kernels.name)
  }
}
