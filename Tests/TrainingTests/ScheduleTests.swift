import Basics
import Flows
import Imaging
import Support
import Testing

@testable import Training

struct ScheduleTests {
  /// The original's adjust_learning_rate and warmup_learning_rate, evaluated in Python.
  @Test func followsTheOriginal() {
    func check(_ options: TrainingOptions, _ batches: Int, _ table: [(epoch: Int, batch: Int, rate: Double)]) {
      let schedule = LearningRateSchedule(options)
      for (epoch, batch, expected) in table {
        let rate = schedule.rate(metaEpoch: epoch, batch: batch, batches: batches)
        expectClose(rate, expected, within: 1e-7 * expected, "epoch \(epoch), batch \(batch)")
      }
    }
    check(
      TrainingOptions(), 48,
      [
        (0, 0, 2e-05), (0, 1, 2.1842306852049485e-05), (0, 47, 0.00010658842204632565), (1, 0, 0.00010843072889837513),
        (1, 26, 0.00015633070705166167), (1, 47, 0.0001950191509447008), (2, 0, 0.00019686145779675027),
        (2, 47, 0.00019686145779675027), (3, 0, 0.0001929846709402363), (12, 0, 0.00010637277290097842),
        (24, 47, 9.877413386836713e-07),
      ])
    var options = TrainingOptions()
    options.learningRate = 1e-3
    options.metaEpochs = 10
    options.warmupEpochs = 1
    options.schedule = .constant
    check(options, 6, [(0, 0, 1e-4), (0, 5, 8.5e-4), (1, 0, 1e-3), (9, 0, 1e-3)])
    options.warmupEpochs = 0
    options.schedule = .cosine
    check(options, 6, [(0, 0, 1e-3), (0, 5, 1e-3), (1, 0, 0.0009755527298894294), (9, 0, 2.5447270110570814e-05)])
  }

  /// The original's steps: at 50, 75 and 90 % of 25 meta epochs, that is 12, 18 and 22; the warm-up aims at the peak.
  @Test func steps() {
    var options = TrainingOptions()
    options.schedule = .steps
    let schedule = LearningRateSchedule(options)
    let table: [(epoch: Int, rate: Double)] = [
      (0, 2e-5), (1, 1.1e-4), (2, 2e-4), (11, 2e-4), (12, 2e-5), (17, 2e-5), (18, 2e-6), (21, 2e-6), (22, 2e-7),
      (24, 2e-7),
    ]
    for (epoch, expected) in table {
      let rate = schedule.rate(metaEpoch: epoch, batch: 0, batches: 48)
      expectClose(rate, expected, within: 2e-7 * expected, "epoch \(epoch)")
    }
    options.decayPercents = [0, 100]
    options.decayRate = 0.5
    options.warmupEpochs = 0
    #expect(LearningRateSchedule(options).rate(metaEpoch: 0, batch: 0, batches: 1) == 1e-4)
    #expect(LearningRateSchedule(options).rate(metaEpoch: 24, batch: 0, batches: 1) == 1e-4)
  }
}

struct TrainingOptionsTests {
  @Test func defaultsAreValid() throws { try TrainingOptions().validate() }

  @Test func everyRangeIsChecked() {
    let mistakes: [(String, (inout TrainingOptions) throws -> Void)] = [
      ("input size", { $0.preprocessing = try Preprocessing(width: 31, height: 256) }),
      ("input size", { $0.preprocessing = try Preprocessing(width: 256, height: 2049) }),
      ("levels", { $0.levelCount = 0 }), ("levels", { $0.levelCount = 4 }),
      ("blocks", { $0.flow = try FlowDescription(blockCount: 65) }),
      ("condition", { $0.flow = try FlowDescription(conditionChannels: 6) }),
      ("alpha", { $0.flow = try FlowDescription(clampAlpha: .nan) }),
      ("meta epochs", { $0.metaEpochs = 0 }), ("sub-epochs", { $0.subEpochs = 10_001 }),
      ("warm-up", { $0.warmupEpochs = 25 }), ("warm-up", { $0.warmupEpochs = -1 }),
      ("image batch", { $0.imageBatch = 0 }), ("fiber batch", { $0.fiberBatch = 65537 }),
      ("learning rate", { $0.learningRate = 0 }), ("learning rate", { $0.learningRate = .nan }),
      ("learning rate", { $0.learningRate = 1.5 }), ("decay", { $0.decayRate = 0 }),
      ("decay", { $0.decayPercents = [101] }), ("rotation", { $0.rotationDegrees = -1 }),
      ("rotation", { $0.rotationDegrees = .infinity }), ("fraction", { $0.calibrationFraction = 0.95 }),
      ("reject", { $0.calibration.falseRejectRate = 0.6 }), ("cache", { $0.featureCacheBytes = -1 }),
    ]
    for (name, mistake) in mistakes {
      var options = TrainingOptions()
      let failure = #expect(throws: Failure.self, "\(name)") {
        try mistake(&options)
        try options.validate()
      }
      #expect(failure?.kind == .invalidArgument)
      #expect(failure?.message.contains(name) == true, "\(failure?.message ?? "")")
    }
  }
}
