import Basics
import Encoders
import Execution

/// The prepared encoders that are in use in this process. Detectors whose encoders have the same contents share one, whatever files
/// they came from.
enum SharedEncoders {
  private struct Entry {
    weak var encoder: Encoder?
    let contents: Contents
  }

  /// Everything that determines what an encoder computes.
  private struct Contents: Equatable {
    let description: EncoderDescription
    let inputSize: EncoderInputSize
    /// Checksums of the weights that the encoder uses, by their keys.
    let sums: [String: WordSums]
  }

  private static let entries = Locked<[Entry]>([])

  /// Returns the encoder in use that has these contents, or prepares a new one.
  static func encoder(
    _ description: EncoderDescription, weights: StateDictionary, inputSize: EncoderInputSize, workers: Workers
  ) throws(Failure) -> Encoder {
    // The weights are read for comparison only if another encoder may have the same.
    let others = entries.withLock { entries in
      entries.filter { $0.contents.description == description && $0.contents.inputSize == inputSize }
        .compactMap(\.encoder)
    }
    if let other = others.first {
      let contents = Contents(
        description: description, inputSize: inputSize, sums: try sums(weights, of: other.usedKeys, workers))
      if let encoder = encoder(with: contents) { return encoder }
    }
    let new = try Encoder(description, weights: weights, inputSize: inputSize, workers: workers)
    let contents = Contents(
      description: description, inputSize: inputSize, sums: try sums(weights, of: new.usedKeys, workers))
    return entries.withLock { entries in
      // Another thread may have prepared it meanwhile.
      if let encoder = entries.first(where: { $0.contents == contents })?.encoder { return encoder }
      entries.removeAll { $0.encoder == nil }
      entries.append(Entry(encoder: new, contents: contents))
      return new
    }
  }

  private static func encoder(with contents: Contents) -> Encoder? {
    entries.withLock { entries in entries.first { $0.contents == contents && $0.encoder != nil }?.encoder }
  }

  private static func sums(
    _ weights: StateDictionary, of keys: [String], _ workers: Workers
  ) throws(Failure) -> [String: WordSums] {
    let sums = try workers.map(keys.count) { (index) throws(Failure) in try weights[keys[index]]?.sums }
    return Dictionary(zip(keys, sums).compactMap { key, sums in sums.map { (key, $0) } }) { first, _ in first }
  }
}
