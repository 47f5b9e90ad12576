import Basics
import Microkernels
import Testing

@testable import Kernels

/// All inner loops of 8-bit detectors, on every build: the bits of plain sums of integers and plain float32.
@Suite struct QuantizedMicrokernelTests {
  @Test(arguments: quantizedVariants) func resultsAreExact(_ build: Build) throws {
    let kernels = try build.quantizedKernels
    for microkernel in QuantizedMicrokernel.tested + QuantizedMicrokernel.timed {
      let operands = try microkernel.prepare(kernels)
      operands.run()
      let (values, expected) = (operands.values(), operands.expected())
      let wrong = values.indices.filter { values[$0] != expected[$0] }
      #expect(values.count == expected.count && wrong.isEmpty, "\(microkernel.name): \(wrong.count) wrong")
      // Not all of one kind, such as all limits.
      if values.count > 100 { #expect(Set(values).count > 20, "\(microkernel.name)") }
    }
  }

  @Test func weightsThatAreNoIntegersOrTooLargeAreRefused() {
    func pack(_ weights: [Float], _ element: ElementType) throws(Failure) {
      _ = try QuantizedMatrix(
        outputs: 1, inputs: weights.count, zeros: weights.map { _ in 7 }, weights: element,
        rows: weightRows(weights, length: weights.count))
    }
    #expect(throws: Never.self) { try pack([127, -127, 0], .int8) }
    #expect(throws: Failure.self) { try pack([128], .int8) }
    #expect(throws: Failure.self) { try pack([0.5], .int8) }
    #expect(throws: Failure.self) { try pack([.nan], .int16) }
    #expect(throws: Never.self) { try pack([Float](repeating: -32_767, count: 257), .int16) }
    #expect(throws: Failure.self) { try pack([Float](repeating: -32_767, count: 258), .int16) }
  }
}
