extension StateDictionary {
  /// Of all keys, shapes and values.
  package var fingerprint: String {
    var fingerprint = Fingerprint()
    for key in keys {
      guard let tensor = self[key] else { continue }
      fingerprint.add("\(key) \(tensor.shape)")
      fingerprint.add(tensor.values)
    }
    return fingerprint.text
  }
}
