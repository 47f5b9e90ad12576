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
    let (scores, labels) = try checkedScores(scores, labels, count)
    auroc.pointee = try Evaluation.auroc(scores: scores, labels: labels)
  }
}

@_cdecl("cflowad_average_precision") @implementation
public func cflowad_average_precision(
  _ scores: UnsafePointer<Float>?, _ labels: UnsafePointer<UInt8>?, _ count: Int,
  _ averagePrecision: UnsafeMutablePointer<Double>?
) -> cflowad_status {
  attempt { () throws(Failure) in
    let averagePrecision = try checkedOutput(averagePrecision, "average precision")
    let (scores, labels) = try checkedScores(scores, labels, count)
    averagePrecision.pointee = try Evaluation.averagePrecision(scores: scores, labels: labels)
  }
}

@_cdecl("cflowad_f1_max") @implementation
public func cflowad_f1_max(
  _ scores: UnsafePointer<Float>?, _ labels: UnsafePointer<UInt8>?, _ count: Int,
  _ f1: UnsafeMutablePointer<Double>?, _ threshold: UnsafeMutablePointer<Float>?
) -> cflowad_status {
  attempt { () throws(Failure) in
    let f1 = try checkedOutput(f1, "F1")
    let threshold = try checkedOutput(threshold, "threshold")
    let (scores, labels) = try checkedScores(scores, labels, count)
    (threshold.pointee, f1.pointee) = try Evaluation.f1Max(scores: scores, labels: labels)
  }
}

@_cdecl("cflowad_aupro") @implementation
public func cflowad_aupro(
  _ maps: UnsafePointer<Float>?, _ masks: UnsafePointer<UInt8>?, _ imageCount: Int, _ width: UInt32, _ height: UInt32,
  _ kind: cflowad_aupro_kind, _ aupro: UnsafeMutablePointer<Double>?
) -> cflowad_status {
  attempt { () throws(Failure) in
    let aupro = try checkedOutput(aupro, "aupro")
    guard let count = checkedProduct([imageCount, Int(width), Int(height)]) else {
      throw Failure(.invalidArgument, "\(imageCount) maps of \(width)x\(height) are too large")
    }
    let (maps, masks) = try checkedScores(maps, masks, count)
    switch kind {
    case cflowad_aupro_kind(CFLOWAD_AUPRO_STANDARD):
      aupro.pointee = try Evaluation.auproStandard(maps: maps, masks: masks, width: Int(width), height: Int(height))
    case cflowad_aupro_kind(CFLOWAD_AUPRO_PAPER):
      aupro.pointee = try Evaluation.auproPaper(maps: maps, masks: masks, width: Int(width), height: Int(height))
    default: throw Failure(.invalidArgument, "the kind \(kind) is not a CFLOWAD_AUPRO_ constant")
    }
  }
}

/// Checks the caller's scores and labels.
private func checkedScores(
  _ scores: UnsafePointer<Float>?, _ labels: UnsafePointer<UInt8>?, _ count: Int
) throws(Failure) -> (UnsafeBufferPointer<Float>, UnsafeBufferPointer<UInt8>) {
  guard let scores, let labels, count >= 0 else {
    throw Failure(.invalidArgument, "the scores (maps) or labels (masks) are NULL, or their count is too large")
  }
  return (UnsafeBufferPointer(start: scores, count: count), UnsafeBufferPointer(start: labels, count: count))
}
