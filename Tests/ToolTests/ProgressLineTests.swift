import Testing

@testable import Training

@testable import cflowad

struct ProgressLineTests {
  private func fit(done: Int) -> TrainingProgress {
    var progress = TrainingProgress(stage: .fit, total: 200)
    (progress.epoch, progress.epochs, progress.loss, progress.done) = (3, 8, 0.69314, done)
    return progress
  }

  @Test func aLineTellsRateAndTimeLeft() {
    #expect(
      ProgressLine(fit(done: 50), seconds: 4).plain
        == "training    25%  epoch 3/8  loss 0.6931  12.5 frames/s  0:12 left")
    #expect(
      ProgressLine(fit(done: 200), seconds: 4000).plain == "training   100%  epoch 3/8  loss 0.6931  0.1 frames/s")
    #expect(ProgressLine(fit(done: 0), seconds: 0).plain == "training     0%  epoch 3/8  loss 0.6931")
    #expect(ProgressLine(fit(done: 1), seconds: 20).plain.hasSuffix("1:06:20 left"))
    #expect(ProgressLine(TrainingProgress(stage: .encode, total: 0), seconds: 1).plain == "encoding   100%")
  }

  @Test func aBarFillsItsLineAndNoMore() {
    for width in [0, 1, 20, 60, 80, 100, 300] {
      #expect(ProgressLine(fit(done: 50), seconds: 4).bar(width: width).count <= max(width - 1, 0))
    }
    let bar = ProgressLine(fit(done: 50), seconds: 4).bar(width: 300)
    #expect(bar.contains("[##########..............................]"))
    #expect(bar.hasSuffix("0:12 left"))
  }

  @Test(arguments: [(0, "0 bytes"), (1023, "1023 bytes"), (1536, "1.5 KiB"), (3 << 30, "3.0 GiB")])
  func sizesHaveUnits(bytes: Int, text: String) {
    #expect(String(byteCount: bytes) == text)
  }
}
