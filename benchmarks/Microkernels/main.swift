import Basics
import Kernels
import Microkernels

// Times the inner loops on one thread, on every build of them that this processor runs: for each a line with the nanoseconds
// of the fastest run, and millions of multiplications (or values) a millisecond.
//
//     microkernels [NAME]      those whose name contains NAME; all by default

@MainActor func run() throws(Failure) {
  let wanted = CommandLine.arguments.dropFirst().first ?? ""
  for build in KernelBuild.floatBuilds where build.isAvailable {
    for microkernel in Microkernel.timed where wanted.isEmpty || microkernel.name.contains(wanted) {
      let operands = try microkernel.prepare(build.kernels)
      // What a task points to lives as long as these, and may be freed after their last use.
      withExtendedLifetime(operands) {
        time(operands.run, "\(build.rawValue)\t\(microkernel.name)", microkernel.work)
      }
    }
  }
  KernelBuild.amx.requestPermission()
  for build in KernelBuild.allCases where build.isAvailable {
    for microkernel in QuantizedMicrokernel.timed where wanted.isEmpty || microkernel.name.contains(wanted) {
      let operands = try microkernel.prepare(build.quantizedKernels)
      withExtendedLifetime(operands) {
        time(operands.run, "\(build.rawValue)\t\(microkernel.name)", microkernel.work)
      }
    }
  }
}

func time(_ run: () -> Void, _ name: String, _ work: Int) {
  let clock = ContinuousClock()
  var fastest = Double.infinity
  let end = clock.now + .milliseconds(200)
  repeat {
    let start = clock.now
    run()
    let elapsed = (clock.now - start).components
    fastest = min(fastest, Double(elapsed.seconds) * 1e9 + Double(elapsed.attoseconds) * 1e-9)
  } while clock.now < end
  let rate = (1000 * Double(work) / fastest).rounded() / 1000
  print("\(name)\t\(Int(fastest)) ns\t\(rate) G/s")
}

do {
  try run()
} catch {
  print(error.message)
  exit(1)
}
