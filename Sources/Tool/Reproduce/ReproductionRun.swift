import Basics
import DataSets
import Execution
import Scoring
import Training
import TrainingFile

/// Trains one class under one seed and measures it after every meta epoch. A run that was stopped is resumed.
struct ReproductionRun {
  let name: String
  let encoder: DetectorContents
  let options: TrainingOptions
  let threadCount: Int
  /// The folder of record and checkpoint.
  let folder: String

  private var stem: String { "\(folder)/\(name)-seed\(options.seed)" }

  /// - Parameter set: the path of the data set.
  func run(_ set: String, display: ProgressDisplay) throws(Failure) -> RunRecord {
    let report = { Output.note($0) }
    let training = try DataSet(set, part: .training, className: name, report: report).classes.flatMap(\.good)
    let test = try DataSet(set, part: .test, className: name, report: report).classes.flatMap(\.samples)
    guard test.contains(where: \.isDefective), test.contains(where: { !$0.isDefective }) else {
      throw Failure(.format, "\(set): \(name) has not both good and defective test images")
    }
    let settings = settings(trainingImages: training.count, testImages: test.count)
    let path = stem + ".json"
    var record = try RunRecord.load(path, settings: settings) ?? RunRecord(name: name, settings: settings)
    guard !record.isFinished else {
      Output.note("\(name), seed \(options.seed): finished already")
      return record
    }
    let trainer = try Trainer(encoder, options: options, workers: Workers(count: threadCount))
    try trainer.add([(training.map(\.image), .training)], display)
    // The published numbers are of all images.
    let images = try TestImages(test, trainer.preprocessing, display) { (failure) throws(Failure) in throw failure }
    let checkpoint = TrainingFile(path: stem + ".checkpoint")
    trainer.checkpoint = checkpoint
    // The paper trains on all good images, and its protocol needs no calibration.
    try trainer.fit(display.handler, holdsBack: false) { (epoch, contents) throws(Failure) in
      record.add(try measure(contents, images, display), epoch: epoch)
      try record.write(path)
      display.note(progress(record))
    }
    guard record.isFinished else {
      throw Failure(.state, "\(path): epochs are missing beside the checkpoint; delete both")
    }
    checkpoint.remove()
    return record
  }

  private func measure(
    _ contents: DetectorContents, _ images: TestImages, _ display: ProgressDisplay
  ) throws(Failure) -> Measures {
    let scored = try ScoredImages(try Detector(contents), images, threadCount: threadCount, display)
    let maps = try Buffer<Float>(count: images.count * images.pixelCount)
    return try ProtocolResult.paper(scored, maps: maps).measures
  }

  private func settings(trainingImages: Int, testImages: Int) -> RunRecord.Settings {
    RunRecord.Settings(
      encoder: encoder.encoder.architecture, width: options.preprocessing.width, height: options.preprocessing.height,
      levels: options.levelCount, blocks: options.flow.blockCount, metaEpochs: options.metaEpochs,
      subEpochs: options.subEpochs, batch: options.imageBatch, learningRate: options.learningRate,
      rotation: options.rotationDegrees, seed: options.seed, trainingImages: trainingImages, testImages: testImages)
  }

  private func progress(_ record: RunRecord) -> String {
    let measures = record.epochs.last?.measures
    return "\(name), seed \(options.seed), epoch \(record.epochs.count)/\(options.metaEpochs): image AUROC "
      + "\(percent(measures?.imageAUROC)), pixel AUROC \(percent(measures?.pixelAUROC)), AUPRO "
      + percent(measures?.auproPaper)
  }
}
