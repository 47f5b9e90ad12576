import Basics

extension Workers {
  /// Makes `count` values on all threads, each value on one thread. Throws the failure of the first value that failed.
  package func map<Value>(
    _ count: Int, _ make: (_ index: Int) throws(Failure) -> Value
  ) throws(Failure) -> [Value] {
    var results = [Result<Value, Failure>?](repeating: nil, count: count)
    results.withUnsafeMutableBufferPointer { results in
      guard let results = results.baseAddress else { return }
      run(parts: count) { index, _ in
        do throws(Failure) { results[index] = .success(try make(index)) } catch { results[index] = .failure(error) }
      }
    }
    var values: [Value] = []
    for result in results {
      if let value = try result?.get() { values.append(value) }
    }
    return values
  }
}
