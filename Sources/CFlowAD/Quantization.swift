import Basics
import CFlowADHeader
import Training

@_cdecl("cflowad_trainer_quantize") @implementation
public func cflowad_trainer_quantize(
  _ trainer: OpaquePointer?, _ passes: UInt32, _ progress: cflowad_progress_callback?,
  _ user: UnsafeMutableRawPointer?
) -> cflowad_status {
  use(trainer, event: { "quantized: \((try? $0.contents)?.provenance["quantization"] ?? "")" }) {
    (trainer) throws(Failure) in
    try trainer.quantize(passes: Int(passes), handler(progress, user))
  }
}

@_cdecl("cflowad_trainer_get_quantization") @implementation
public func cflowad_trainer_get_quantization(
  _ trainer: OpaquePointer?, _ report: UnsafeMutablePointer<cflowad_quantization>?
) -> cflowad_status {
  use(trainer) { (trainer) throws(Failure) in
    let target = try checkedOutput(report, "report")
    var filled = try CallerStruct.read(target, "quantization report")
    guard let report = trainer.quantization else {
      throw Failure(.state, "nothing was quantized and calibrated yet")
    }
    let auroc = try report.auroc
    filled.range_count = UInt64(report.rangeCount)
    filled.good_count = UInt64(report.good.count)
    filled.good_changed = UInt64(report.good.changedVerdicts)
    filled.defective_count = UInt64(report.defective.count)
    filled.defective_changed = UInt64(report.defective.changedVerdicts)
    filled.rank_correlation = report.good.rankCorrelation
    filled.float32_auroc = auroc?.float32 ?? .nan
    filled.int8_auroc = auroc?.int8 ?? .nan
    filled.passes = UInt32(clamping: report.passes)
    CallerStruct.write(filled, to: target)
  }
}
