extension [String] {
  /// All of them in a sentence: "clamp, schedule and rotation"; empty for none.
  package var listed: String {
    guard let last, count > 1 else { return first ?? "" }
    return dropLast().joined(separator: ", ") + " and " + last
  }
}
