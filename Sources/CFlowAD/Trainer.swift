import Basics
import CFlowADHeader
import Execution
import Flows
import ModelFile
import Training
import TrainingFile

private let trainers = HandleTable<Exclusive<Trainer>>(kind: 3, name: "trainer")

/// Runs a call on a trainer.
///
/// - Parameters:
///   - function: the exported function, for the log.
///   - event: what to tell the log when it has succeeded; nil for nothing.
func use(
  _ trainer: OpaquePointer?, _ function: StaticString = #function, event: ((Trainer) -> String)? = nil,
  _ body: (Trainer) throws(Failure) -> Void
) -> cflowad_status {
  attempt(function) { () throws(Failure) in
    try trainers.object(trainer).use { (trainer) throws(Failure) in
      try body(trainer)
      if let event { Log.write(.info, "trainer: \(event(trainer))") }
    }
  }
}

@_cdecl("cflowad_train_options_init") @implementation
public func cflowad_train_options_init(
  _ options: UnsafeMutablePointer<cflowad_train_options>?, _ structSize: Int
) -> cflowad_status {
  attempt { () throws(Failure) in
    try CallerStruct.initialize(
      options, size: structSize, "train options", defaults: cflowad_train_options(TrainingOptions()))
  }
}

@_cdecl("cflowad_trainer_create") @implementation
public func cflowad_trainer_create(
  _ weightsPath: UnsafePointer<CChar>?, _ options: UnsafePointer<cflowad_train_options>?,
  _ trainer: UnsafeMutablePointer<OpaquePointer?>?
) -> cflowad_status {
  attempt { () throws(Failure) in
    let trainer = try checkedOutput(trainer, "trainer")
    let path = try checkedPath(weightsPath)
    var chosen = cflowad_train_options(TrainingOptions())
    if options != nil {
      // Hosts whose struct has no start were written for the paper's training.
      chosen.start = Int32(CFLOWAD_START_PAPER)
      chosen = try CallerStruct.read(options, "train options", defaults: chosen)
    }
    let trainingOptions = try TrainingOptions(chosen)
    let workers = try checkedWorkers(chosen.thread_count, chosen.parallel_for, chosen.parallel_for_context)
    let contents = try ModelFile.read(path: path)
    do throws(Failure) {
      trainer.pointee = try trainers.insert(
        Exclusive(Trainer(contents, options: trainingOptions, workers: workers), name: "trainer"))
    } catch {
      throw error.within(path)
    }
    Log.write(.info, "trainer: begins with \(path.shown)")
  }
}

@_cdecl("cflowad_trainer_add_frame") @implementation
public func cflowad_trainer_add_frame(
  _ trainer: OpaquePointer?, _ frame: UnsafePointer<cflowad_frame>?, _ role: Int32
) -> cflowad_status {
  cflowad_trainer_add_named_frame(trainer, frame, role, nil)
}

@_cdecl("cflowad_trainer_add_named_frame") @implementation
public func cflowad_trainer_add_named_frame(
  _ trainer: OpaquePointer?, _ frame: UnsafePointer<cflowad_frame>?, _ role: Int32, _ name: UnsafePointer<CChar>?
) -> cflowad_status {
  use(trainer) { (trainer) throws(Failure) in
    let frame = try checkedFrame(frame)
    let name = name.map { String(cString: $0).shown } ?? ""
    guard name.utf8.count <= Trainer.longestName else {
      throw Failure(.invalidArgument, "a name of \(name.utf8.count) bytes is longer than \(Trainer.longestName)")
    }
    try trainer.add(frame, role: checkedConstant(role, "ROLE"), name: name)
  }
}

@_cdecl("cflowad_trainer_set_checkpoint") @implementation
public func cflowad_trainer_set_checkpoint(
  _ trainer: OpaquePointer?, _ path: UnsafePointer<CChar>?
) -> cflowad_status {
  use(trainer) { (trainer) throws(Failure) in
    trainer.checkpoint = path == nil ? nil : TrainingFile(path: try checkedPath(path))
  }
}

@_cdecl("cflowad_trainer_fit") @implementation
public func cflowad_trainer_fit(
  _ trainer: OpaquePointer?, _ progress: cflowad_progress_callback?, _ user: UnsafeMutableRawPointer?
) -> cflowad_status {
  use(trainer, event: { "fitted: \((try? $0.contents)?.provenance["training"] ?? "")" }) { (trainer) throws(Failure) in
    try trainer.fit(handler(progress, user))
  }
}

@_cdecl("cflowad_trainer_set_region_of_interest") @implementation
public func cflowad_trainer_set_region_of_interest(
  _ trainer: OpaquePointer?, _ roi: UnsafePointer<cflowad_roi>?
) -> cflowad_status {
  use(trainer) { (trainer) throws(Failure) in
    trainer.regionOfInterest = roi == nil ? nil : try checkedRegionOfInterest(roi, for: trainer.preprocessing)
  }
}

@_cdecl("cflowad_trainer_calibrate") @implementation
public func cflowad_trainer_calibrate(
  _ trainer: OpaquePointer?, _ progress: cflowad_progress_callback?, _ user: UnsafeMutableRawPointer?
) -> cflowad_status {
  use(trainer, event: calibrationText) { (trainer) throws(Failure) in
    try trainer.calibrate(handler(progress, user))
  }
}

/// What a calibration found, for the log.
private func calibrationText(_ trainer: Trainer) -> String {
  guard let calibration = trainer.calibration else { return "not calibrated" }
  return "calibrated on \(String(calibration.scores.count, of: "frame")), threshold \(calibration.threshold)"
}

@_cdecl("cflowad_trainer_save") @implementation
public func cflowad_trainer_save(_ trainer: OpaquePointer?, _ path: UnsafePointer<CChar>?) -> cflowad_status {
  use(trainer) { (trainer) throws(Failure) in
    let path = try checkedPath(path)
    try ModelFile.write(trainer.contents, to: path)
    Log.write(.info, "trainer: saved \(path.shown)")
  }
}

@_cdecl("cflowad_trainer_save_linked") @implementation
public func cflowad_trainer_save_linked(
  _ trainer: OpaquePointer?, _ path: UnsafePointer<CChar>?, _ encoderFile: UnsafePointer<CChar>?
) -> cflowad_status {
  use(trainer) { (trainer) throws(Failure) in
    let path = try checkedPath(path)
    let encoderFile = try checkedPath(encoderFile)
    try ModelFile.write(trainer.contents, to: path, encoderFile: encoderFile)
    Log.write(.info, "trainer: saved \(path.shown), its encoder in \(encoderFile.shown)")
  }
}

@_cdecl("cflowad_trainer_model") @implementation
public func cflowad_trainer_model(
  _ trainer: OpaquePointer?, _ model: UnsafeMutablePointer<OpaquePointer?>?
) -> cflowad_status {
  use(trainer) { (trainer) throws(Failure) in
    let model = try checkedOutput(model, "model")
    let detector = try trainer.detector
    model.pointee = try models.insert(detector)
    Log.opened(detector, "trainer: model made")
  }
}

@_cdecl("cflowad_trainer_coupling_steps") @implementation
public func cflowad_trainer_coupling_steps(
  _ trainer: OpaquePointer?, _ steps: UnsafeMutablePointer<UInt32>?
) -> cflowad_status {
  use(trainer) { (trainer) throws(Failure) in
    try checkedOutput(steps, "steps").pointee = UInt32(clamping: trainer.couplingSteps)
  }
}

@_cdecl("cflowad_trainer_close") @implementation
public func cflowad_trainer_close(_ trainer: OpaquePointer?) -> cflowad_status {
  attempt { () throws(Failure) in
    try trainers.remove(trainer)
    if trainer != nil { Log.write(.debug, "trainer closed") }
  }
}

/// The caller's callback as a handler for the trainer, which also writes to the log; nil when nobody wants reports.
func handler(
  _ callback: cflowad_progress_callback?, _ user: UnsafeMutableRawPointer?
) -> TrainingProgress.Handler? {
  guard callback != nil || Log.wants(.debug) else { return nil }
  return { progress in
    Log.write(.debug, "trainer: \(progress.stage) \(progress.done) of \(progress.total)")
    guard let callback else { return false }
    var report = cflowad_progress()
    report.struct_size = MemoryLayout<cflowad_progress>.size
    report.stage = progress.stage.rawValue
    report.epoch = UInt32(clamping: progress.epoch)
    report.epochs = UInt32(clamping: progress.epochs)
    report.loss = progress.loss
    report.done = UInt64(clamping: progress.done)
    report.total = UInt64(clamping: progress.total)
    report.learning_rate = progress.learningRate
    return FloatMode.inHosts { callback(&report, user) } != 0
  }
}
