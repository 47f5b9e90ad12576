import Basics
import Testing

@testable import Training

@testable import cflowad

struct ProgressLineTests {
  private func fit(done: Int) -> Progress {
    var progress = TrainingProgress(stage: .fit, total: 200)
    (progress.epoch, progress.epochs, progress.loss, progress.done) = (3, 8, 0.69314, done)
    return Progress(progress)
  }

  @Test func aLineTellsRateAndTimeLeft() {
    #expect(
      ProgressLine(fit(done: 50), seconds: 4).plain
        == "training     25%  epoch 3/8  loss 0.6931  12.5 frames/s  0:12 left")
    #expect(
      ProgressLine(fit(done: 200), seconds: 4000).plain == "training    100%  epoch 3/8  loss 0.6931  0.1 frames/s")
    // No step, no loss.
    #expect(ProgressLine(fit(done: 0), seconds: 0).plain == "training      0%  epoch 3/8")
    #expect(ProgressLine(fit(done: 1), seconds: 20).plain.hasSuffix("1:06:20 left"))
    #expect(ProgressLine(Progress("encoding", total: 0), seconds: 1).plain == "encoding    100%")
    #expect(ProgressLine(Progress("calibrating", done: 1, total: 1), seconds: 0).plain == "calibrating 100%")
  }

  @Test func whatWasDoneBeforeIsNotOfThisRunsRate() {
    // 10 frames in 4 seconds, 140 to go; nothing yet right after the start.
    #expect(ProgressLine(fit(done: 60), seconds: 4, doneBefore: 50).plain.hasSuffix("2.5 frames/s  0:56 left"))
    #expect(ProgressLine(fit(done: 50), seconds: 4, doneBefore: 50).plain == "training     25%  epoch 3/8")
  }

  @Test func aStageBeginsWithItsFirstReport() {
    let start = ContinuousClock().now
    var pace = ProgressPace(now: start)
    var isNew = [pace.meets(fit(done: 50), now: start + .seconds(1))]
    isNew.append(pace.meets(fit(done: 60), now: start + .seconds(2)))
    #expect(pace.doneBefore == 50 && pace.start == start + .seconds(1))
    // The next training of several, and another stage.
    isNew.append(pace.meets(fit(done: 0), now: start + .seconds(3)))
    #expect(pace.doneBefore == 0 && pace.start == start + .seconds(3))
    isNew.append(pace.meets(Progress("scoring", total: 3), now: start + .seconds(4)))
    #expect(isNew == [true, false, true, true])
  }

  @Test func aBarFillsItsLineAndNoMore() {
    for width in [0, 1, 20, 60, 80, 100, 300] {
      #expect(ProgressLine(fit(done: 50), seconds: 4).bar(width: width).count <= max(width - 1, 0))
    }
    let bar = ProgressLine(fit(done: 50), seconds: 4).bar(width: 300)
    #expect(bar.contains("[##########..............................]"))
    #expect(bar.hasSuffix("0:12 left"))
  }

  @Test func numbersHaveSignificantDigits() {
    for (value, rounded) in [
      (12.345678, 12.35), (0.000123456, 0.0001235), (98765.4, 98770), (0, 0), (-1.00004, -1), (9999.6, 10000),
    ] as [(Double, Double)] { #expect(value.rounded(toDigits: 4) == rounded) }
    #expect(Double.infinity.rounded(toDigits: 4) == .infinity)
    #expect(String(0.5, digits: 4) == "0.5" && String(12.345, digits: 4) == "12.35")
    #expect(Duration.microseconds(1234567).milliseconds == 1235)
  }

  @Test(arguments: [(0, "0 bytes"), (1023, "1023 bytes"), (1536, "1.5 KiB"), (3 << 30, "3.0 GiB")])
  func sizesHaveUnits(bytes: Int, text: String) {
    #expect(String(byteCount: bytes) == text)
  }
}
