import Basics
import CFlowADHeader
import Evaluation

@_cdecl("cflowad_auroc") @implementation
public func cflowad_auroc(
  _ scores: UnsafePointer<Float>?, _ labels: UnsafePointer<UInt8>?, _ count: Int,
  _ auroc: UnsafeMutablePointer<Double>?
) -> cflowad_status {
  attempt { () throws(Failure) in
    let auroc = try checkedOutput(auroc, "auroc")
    guard let scores, let labels, count >= 0 else {
      throw Failure(.invalidArgument, "the scores or labels are NULL, or their count is too large")
    }
    auroc.pointee = try Evaluation.auroc(
      scores: UnsafeBufferPointer(start: scores, count: count), labels: UnsafeBufferPointer(start: labels, count: count)
    )
  }
}
