import Basics
import Encoders
import Execution
import Flows
import Imaging

/// Names of models that follow from their contents. docs/model-format.md defines them, so that other programs can compute them too.
extension DetectorContents {
  /// SHA-256 of all tensors: 64 hexadecimal digits. Takes a pass over all weights.
  ///
  /// - Parameter workers: share the work; nil for threads of their own, on all processors.
  package func computedWeightsDigest(_ workers: Workers? = nil) throws(Failure) -> String {
    var tensors: [(name: String, tensor: Tensor)] = []
    for (group, dictionary) in [("encoder", encoderWeights)] + flowWeights.enumerated().map({ ("flow/\($0)", $1) }) {
      for (key, tensor) in dictionary.tensors where !key.hasSuffix("w_perm_inv") {
        tensors.append(("\(group)/\(key)", tensor))
      }
    }
    let workers = if let workers { workers } else { try Detector.preparers }
    let lines = try workers.map(tensors.count) { (index) throws(Failure) in
      let (name, tensor) = tensors[index]
      let shape = tensor.shape.isEmpty ? "-" : tensor.shape.map { "\($0)" }.joined(separator: "x")
      return "\(name) \(shape) \(try tensor.sha256)\n"
    }
    return SHA256.text(of: lines.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.joined())
  }

  /// SHA-256 of all that scores depend on: the digest of the weights, the preprocessing, the network and the calibration. Nil when
  /// ``weightsDigest`` is nil.
  package var identity: String? { identityText.map { SHA256.text(of: $0) } }

  /// The text whose SHA-256 is ``identity``.
  var identityText: String? {
    guard let weightsDigest else { return nil }
    var lines = [
      "weights \(weightsDigest)",
      "preprocessing \(preprocessing.width) \(preprocessing.height) \(preprocessing.resampling.name) "
        + bits(preprocessing.mean + preprocessing.standardDeviation)
        + " \(bits([preprocessing.window.low, preprocessing.window.high]))",
    ]
    if let tiling = preprocessing.tiling { lines.append("tiling \(tiling.width) \(tiling.height) \(tiling.overlap)") }
    lines.append(
      "encoder \(encoder.architecture) \(encoder.padding.rawValue) \(encoder.precision.rawValue) "
        + encoder.taps.joined(separator: " "))
    if let flow {
      lines.append(
        "flow \(flow.start.rawValue) \(flow.blockCount) \(flow.conditionChannels) \(flow.permutation.rawValue) "
          + "\(flow.clamp.rawValue) \(bits([flow.clampAlpha]))")
    }
    if let calibration { lines += calibration.identityLines }
    return lines.map { $0 + "\n" }.joined()
  }
}

extension Calibration {
  fileprivate var identityLines: [String] {
    func optional(_ value: Float?) -> String { value.map { bits([$0]) } ?? "-" }
    var lines = [
      "calibration \(total.bitPattern.hexadecimal) \(bits([threshold])) \(optional(reviewThreshold)) "
        + "\(bits([mapScale.threshold, mapScale.low, mapScale.high])) \(smoothing.bitPattern.hexadecimal) "
        + "\(optional(lowSide?.threshold)) \(lowSide.map { "\($0.verdict)" } ?? "-") \(optional(meanThreshold))",
      "level_maxima \(levelMaxima.map(\.bitPattern.hexadecimal).joined(separator: " "))",
      "scores \(scores.count) \(scores.withUnsafeBytes { sha256($0) })",
    ]
    if let region = regionOfInterest {
      lines.append("region_of_interest \(region.height) \(region.width) \(region.mask.withUnsafeBytes { sha256($0) })")
    }
    return lines
  }
}

/// The bits of numbers, hexadecimal.
private func bits(_ values: [Float]) -> String { values.map(\.bitPattern.hexadecimal).joined(separator: " ") }

private func sha256(_ bytes: UnsafeRawBufferPointer) -> String {
  var sum = SHA256()
  sum.add(bytes)
  return sum.text
}

extension Tensor {
  /// SHA-256 of the values as float32, the lowest byte first.
  fileprivate var sha256: String {
    get throws(Failure) {
      var sum = SHA256()
      let buffer = try Buffer<Float>(count: max(min(count, 1 << 14), 1), isBrief: true)
      let reader = reader()
      for start in stride(from: 0, to: count, by: buffer.count) {
        let part = min(buffer.count, count - start)
        try reader.read(part, into: buffer.base)
        sum.add(UnsafeRawBufferPointer(start: buffer.base, count: part * MemoryLayout<Float>.stride))
      }
      return sum.text
    }
  }
}
