import Basics

extension Evaluation {
  /// ``RankedScores/auroc`` of scores.
  ///
  /// Time is linear in the count; memory is 8 bytes per score, here and in the other two measures of scores.
  ///
  /// - Parameters:
  ///   - scores: finite, higher is more anomalous.
  ///   - labels: 0 good, anything else defective; both must occur.
  /// - Returns: 0...1.
  package static func auroc(scores: UnsafeBufferPointer<Float>, labels: UnsafeBufferPointer<UInt8>)
    throws(Failure) -> Double
  {
    try RankedScores(scores: scores, labels: labels).auroc
  }

  package static func auroc(scores: [Float], labels: [UInt8]) throws(Failure) -> Double {
    try withBuffers(scores, labels) { (scores, labels) throws(Failure) in try auroc(scores: scores, labels: labels) }
  }

  /// ``RankedScores/f1Max`` of scores. Takes the parameters of ``auroc(scores:labels:)``.
  package static func f1Max(scores: UnsafeBufferPointer<Float>, labels: UnsafeBufferPointer<UInt8>)
    throws(Failure) -> (threshold: Float, f1: Double)
  {
    try RankedScores(scores: scores, labels: labels).f1Max
  }

  package static func f1Max(scores: [Float], labels: [UInt8]) throws(Failure) -> (threshold: Float, f1: Double) {
    try withBuffers(scores, labels) { (scores, labels) throws(Failure) in
      try f1Max(scores: scores, labels: labels)
    }
  }

  /// ``RankedScores/averagePrecision`` of scores. Takes the parameters of ``auroc(scores:labels:)``.
  package static func averagePrecision(scores: UnsafeBufferPointer<Float>, labels: UnsafeBufferPointer<UInt8>)
    throws(Failure) -> Double
  {
    try RankedScores(scores: scores, labels: labels).averagePrecision
  }

  package static func averagePrecision(scores: [Float], labels: [UInt8]) throws(Failure) -> Double {
    try withBuffers(scores, labels) { (scores, labels) throws(Failure) in
      try averagePrecision(scores: scores, labels: labels)
    }
  }
}

/// Calls the body with both arrays' memory.
func withBuffers<Result>(
  _ scores: [Float], _ labels: [UInt8],
  _ body: (UnsafeBufferPointer<Float>, UnsafeBufferPointer<UInt8>) throws(Failure) -> Result
) throws(Failure) -> Result {
  try scores.withUnsafeBufferPointer { (scores) throws(Failure) in
    try labels.withUnsafeBufferPointer { (labels) throws(Failure) in try body(scores, labels) }
  }
}
