extension StateDictionary {
  /// A fingerprint of all keys, shapes and values.
  package var fingerprint: String {
    get throws(Failure) {
      var fingerprint = Fingerprint()
      for key in keys {
        guard let tensor = self[key] else { continue }
        fingerprint.add("\(key) \(tensor.shape)")
        fingerprint.add(try tensor.values)
      }
      return fingerprint.text
    }
  }
}
