import Basics
import CFlowADHeader
import Scoring

@_cdecl("cflowad_calibration_promise") @implementation
public func cflowad_calibration_promise(
  _ frameCount: UInt64, _ wantedRate: Double, _ promisedRate: UnsafeMutablePointer<Double>?,
  _ likelyRate: UnsafeMutablePointer<Double>?, _ framesNeeded: UnsafeMutablePointer<UInt64>?
) -> cflowad_status {
  attempt { () throws(Failure) in
    guard wantedRate >= 0, wantedRate <= 1 else {
      throw Failure(.invalidArgument, "the rate \(wantedRate) is not within 0...1")
    }
    guard frameCount <= ConformalPromise.largestFrameCount else {
      throw Failure(.unsupported, "\(frameCount) frames are more than \(ConformalPromise.largestFrameCount)")
    }
    let promise = ConformalPromise(frameCount: Int(frameCount), wantedRate: wantedRate)
    promisedRate?.pointee = promise.rate
    if let likelyRate { likelyRate.pointee = promise.likelyRate }
    framesNeeded?.pointee = ConformalPromise.framesNeeded(wantedRate: wantedRate).map { UInt64($0) } ?? .max
  }
}
