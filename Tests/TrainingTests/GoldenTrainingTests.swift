import Basics
import Flows
import Support
import Testing

@testable import Training

/// The bits of trained flows and of their calibration: see ``Golden``.
enum GoldenTraining {
  static func results(_ trainer: Trainer) throws -> Golden.Results {
    try trainer.fit()
    try trainer.calibrate()
    let levels = try trainer.flowWeights.enumerated().map { ("level\($0)", try Golden.bits($1)) }
    return levels + [("calibration", Golden.bits(try #require(trainer.calibration)))]
  }

  /// What OpenBLAS says of itself: its version, and the processor that it has kernels for.
  static var openBLAS: String {
    typealias Configuration = @convention(c) () -> UnsafePointer<CChar>?
    guard let library = dlopen("libopenblas.so.0", RTLD_NOW), let symbol = dlsym(library, "openblas_get_config"),
      let text = unsafeBitCast(symbol, to: Configuration.self)()
    else { return "none" }
    return String(cString: text)
  }
}

@Suite struct GoldenTrainingTests {
  /// A few steps of the paper's training, with rotated frames and without.
  @Test func paper() throws {
    try Golden.expect("paper-training") {
      let rotated = try GoldenTraining.results(TrainerTests.trainer())
      var options = TrainerTests.options
      options.rotationDegrees = 0
      options.flow = try FlowDescription(blockCount: 2, conditionChannels: 8, permutation: .hard, clamp: .scaledTanh)
      let cached = try GoldenTraining.results(TrainerTests.trainer(options))
      return rotated.map { ("rotated.\($0)", $1) } + cached.map { ("cached.\($0)", $1) }
    }
  }
}

extension LAPACKTests {
  @Suite struct GoldenGaussianTests {
    /// A Gaussian, and a few coupling steps behind it, and a whitening. OpenBLAS has a part in the bits.
    @Test func gaussian() throws {
      try Golden.expect("gaussian-training", with: GoldenTraining.openBLAS) {
        try [TrainingOptions.Start.gaussian, .whitened].flatMap { start in
          let options = ClosedFormTests.options(start, couplingSteps: 8)
          return try GoldenTraining.results(TrainerTests.trainer(options, frames: 14)).map { ("\(start).\($0)", $1) }
        }
      }
    }
  }
}
