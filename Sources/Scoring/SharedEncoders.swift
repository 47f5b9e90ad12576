import Basics
import Encoders
import Synchronization

/// The prepared encoders in use in this process: detectors whose encoders have the same contents share one, whatever
/// file they came from.
enum SharedEncoders {
  private struct Entry {
    weak var encoder: Encoder?
  }

  /// By all that decides what an encoder computes.
  private static let entries = Mutex<[String: Entry]>([:])

  /// The encoder in use with these contents, else a new one. Weights that nobody else keeps give their memory back.
  static func encoder(
    _ description: EncoderDescription, weights: consuming StateDictionary, inputSize: EncoderInputSize
  ) throws(Failure) -> Encoder {
    let key =
      "\(description.architecture) \(description.padding.rawValue) \(description.taps) \(inputSize.height) "
      + "\(inputSize.width) \(weights.fingerprint)"
    if let encoder = entries.withLock({ $0[key]?.encoder }) { return encoder }
    let new = try Encoder(description, weights: weights, inputSize: inputSize)
    return entries.withLock { entries in
      // Another thread may have been faster.
      if let encoder = entries[key]?.encoder { return encoder }
      entries = entries.filter { $0.value.encoder != nil }
      entries[key] = Entry(encoder: new)
      return new
    }
  }
}
