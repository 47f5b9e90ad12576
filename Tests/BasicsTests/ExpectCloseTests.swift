import Support
import Testing

/// The tests' own comparison must fail where it should: by ``withKnownIssue(_:isIntermittent:sourceLocation:_:)``, which
/// fails when nothing does.
@Suite struct ExpectCloseTests {
  @Test func whatIsCloseIsClose() {
    expectClose([1, 2.5] as [Float], [1.25, 2.25], within: 0.25)
    expectClose(-3 as Float, -3, within: 0)
    expectCloseOnAverage([1, 2, 3], [1, 2, 6], within: 1)
  }

  @Test(
    arguments: [
      [1, .nan], [.nan, 2], [1, .infinity], [1], [], [1, 2, 3], [1, 2.2], [1, -2],
    ] as [[Float]])
  func whatIsNotFails(_ values: [Float]) {
    withKnownIssue { expectClose(values, [1, 2], within: 0.1) }
    withKnownIssue { expectCloseOnAverage(values, [1, 2], within: 0.05) }
  }

  @Test func whatIsExpectedMustBeThere() {
    withKnownIssue { expectClose([] as [Float], [] as [Float], within: 1) }
    withKnownIssue { expectClose([1, 2], [1, .nan], within: .infinity) }
    withKnownIssue { expectClose(Float.infinity, Float.infinity, within: 1) }
  }
}
