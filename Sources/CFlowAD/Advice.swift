import Basics
import CFlowADHeader
import Scoring

@_cdecl("cflowad_model_get_advice") @implementation
public func cflowad_model_get_advice(
  _ model: OpaquePointer?, _ advice: UnsafeMutablePointer<cflowad_advice>?
) -> cflowad_status {
  attempt { () throws(Failure) in
    let detector = try models.object(model)
    let target = try checkedOutput(advice, "advice")
    var filled = try CallerStruct.read(target, "advice")
    let advice = detector.advice
    let (fit, calibration) = (advice.fit, advice.calibration)
    filled.given_count = UInt64(fit?.givenCount ?? 0)
    filled.fitted_count = UInt64(fit?.fittedCount ?? 0)
    filled.curve_half_count = UInt64(fit?.curve?.halfCount ?? 0)
    filled.curve_full_count = UInt64(fit?.curve?.fullCount ?? 0)
    copyNumbers(fit?.curve?.half, into: &filled.curve_half)
    copyNumbers(fit?.curve?.full, into: &filled.curve_full)
    filled.doubling_gain = advice.doublingGain ?? .nan
    copyNumbers(fit?.couplingGains, into: &filled.coupling_gain)
    copyNumbers(advice.levelShares, into: &filled.level_share)
    filled.wanted_rate = calibration?.wantedRate ?? .nan
    let outlier = calibration?.outlier
    filled.outlier_frame = Int64(outlier?.frame.index ?? -1)
    filled.outlier_score = outlier?.score ?? .nan
    filled.outlier_next = outlier?.next ?? .nan
    filled.level_count = UInt32(detector.levels.count)
    filled.more_frames = advice.moreFrames.rawValue
    CallerStruct.write(filled, to: target)
  }
}

@_cdecl("cflowad_model_advice") @implementation
public func cflowad_model_advice(_ model: OpaquePointer?) -> UnsafePointer<CChar>? {
  var text: UnsafePointer<CChar>?
  _ = attempt { () throws(Failure) in text = try models.object(model).adviceCharacters }
  return text
}

/// Copies numbers into a fixed C array of doubles; missing ones become NaN.
private func copyNumbers<Array>(_ numbers: [Double]?, into array: inout Array) {
  withUnsafeMutableBytes(of: &array) { bytes in
    let width = MemoryLayout<Double>.stride
    for index in 0..<bytes.count / width {
      let number = numbers.flatMap { index < $0.count ? $0[index] : nil } ?? .nan
      bytes.storeBytes(of: number, toByteOffset: index * width, as: Double.self)
    }
  }
}
