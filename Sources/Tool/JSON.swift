import Basics
import FoundationEssentials

/// A value as JSON, its keys in alphabetical order: in one line, or indented for people.
func json(_ value: some Encodable, isIndented: Bool = false) throws(Failure) -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
  if isIndented { encoder.outputFormatting.insert(.prettyPrinted) }
  do {
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  } catch {
    throw Failure(.invalidArgument, "a value has no form in JSON: \(error)")
  }
}
