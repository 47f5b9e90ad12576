import Basics
import FoundationEssentials

/// A value as JSON, its keys in snake case and in alphabetical order: in one line, or indented for people.
func json(_ value: some Encodable, isIndented: Bool = false) throws(Failure) -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
  encoder.keyEncodingStrategy = .convertToSnakeCase
  if isIndented { encoder.outputFormatting.insert(.prettyPrinted) }
  do {
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  } catch {
    throw Failure(.invalidArgument, "a value has no form in JSON: \(error)")
  }
}

/// Decodes what ``json(_:isIndented:)`` wrote.
func decodeJSON<Value: Decodable>(_ type: Value.Type, _ bytes: some Sequence<UInt8>) throws -> Value {
  let decoder = JSONDecoder()
  decoder.keyDecodingStrategy = .convertFromSnakeCase
  return try decoder.decode(type, from: Data(bytes))
}
