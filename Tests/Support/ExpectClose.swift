import Testing

/// Expects as many values as expected, at least one, each within the bound of what is expected of it.
///
/// A value that is not a number is never close, nor is an infinite one: the comparison is `error <= bound`, and what is
/// not so fails. The largest error is not kept by `max`, which drops NaN. One issue tells of the first value that is
/// off, how many are, and the largest error.
///
/// - Parameters:
///   - bound: Largest error, in the values' unit.
///   - place: What is compared, where one test compares many things.
package func expectClose(
  _ values: some Sequence<some BinaryFloatingPoint>, _ expected: some Sequence<some BinaryFloatingPoint>,
  within bound: Double, _ place: @autoclosure () -> String = "", sourceLocation: SourceLocation = #_sourceLocation
) {
  let (values, expected) = (values.map { Double($0) }, expected.map { Double($0) })
  guard values.count == expected.count, !values.isEmpty else {
    Issue.record("\(place()): \(values.count) values, expected \(expected.count)", sourceLocation: sourceLocation)
    return
  }
  let errors = zip(values, expected).map { abs($0 - $1) }
  let wrong = errors.indices.filter { !(errors[$0] <= bound) }
  guard let first = wrong.first else { return }
  let largest = errors.contains { $0.isNaN } ? .nan : errors.max() ?? .nan
  Issue.record(
    """
    \(place()): \(wrong.count) of \(values.count) values are off by more than \(bound), by \(largest) at most; \
    value \(first) is \(values[first]), expected \(expected[first])
    """, sourceLocation: sourceLocation)
}

/// Expects the mean of the errors within the bound.
package func expectCloseOnAverage(
  _ values: some Sequence<some BinaryFloatingPoint>, _ expected: some Sequence<some BinaryFloatingPoint>,
  within bound: Double, _ place: @autoclosure () -> String = "", sourceLocation: SourceLocation = #_sourceLocation
) {
  let (values, expected) = (values.map { Double($0) }, expected.map { Double($0) })
  expectClose(values, expected, within: .infinity, place(), sourceLocation: sourceLocation)
  let mean = zip(values, expected).reduce(0) { $0 + abs($1.0 - $1.1) } / Double(values.count)
  expectClose(mean, 0, within: bound, "\(place()), mean error", sourceLocation: sourceLocation)
}

/// Expects one value within the bound of what is expected.
package func expectClose(
  _ value: some BinaryFloatingPoint, _ expected: some BinaryFloatingPoint, within bound: Double,
  _ place: @autoclosure () -> String = "", sourceLocation: SourceLocation = #_sourceLocation
) {
  expectClose([value], [expected], within: bound, place(), sourceLocation: sourceLocation)
}
