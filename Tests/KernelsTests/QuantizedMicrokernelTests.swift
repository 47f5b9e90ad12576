import Basics
import CEmulation
import KernelTasks
import Microkernels
import Support
import Testing

@testable import Kernels
@testable import Layers

/// All inner loops of 8-bit detectors, on every build: the bits of plain sums of integers and plain float32.
@Suite(.serialized) struct QuantizedMicrokernelTests {
  @Test(arguments: quantizedVariants) func resultsAreExact(_ build: Build) throws {
    try check(QuantizedMicrokernel.tested + QuantizedMicrokernel.timed, on: build.quantizedKernels)
  }

  /// The machine code of builds with AVX-VNNI and AMX, on processors that lack only these: products of bytes are illegal instructions
  /// there, whose results a signal handler computes.
  @Test(arguments: [(KernelBuild.avx2, KernelBuild.avxVNNI), (.avx512VNNI, .amx)])
  func productsThatTheProcessorLacksAreExact(others: KernelBuild, build: KernelBuild) throws {
    requestPermission(for: build)
    guard others.isAvailable, !build.isAvailable else { try Test.cancel("nothing to emulate") }
    try #require(cflowad_emulation_begin() == 1)
    let result = Result { try check(QuantizedMicrokernel.tested, on: build.quantizedKernels) }
    #expect(cflowad_emulation_end() > 1000)
    try result.get()
  }

  private func check(_ microkernels: [QuantizedMicrokernel], on kernels: any QuantizedKernels) throws {
    for microkernel in microkernels {
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
        rows: integerRows(
          of: Weights(Tensor(shape: [1, weights.count], values: weights), key: "w"), length: weights.count,
          limit: element == .int16 ? QuantizedMatrix.largestWord : 127))
    }
    #expect(throws: Never.self) { try pack([127, -127, 0], .int8) }
    #expect(throws: Failure.self) { try pack([128], .int8) }
    #expect(throws: Failure.self) { try pack([0.5], .int8) }
    #expect(throws: Failure.self) { try pack([.nan], .int16) }
    #expect(throws: Failure.self) { try pack([32_640], .int16) }
    // Rows that nobody checked before.
    for (weight, element) in [(Int16(32_640), ElementType.int16), (.min, .int16), (128, .int8), (-128, .int8)] {
      for count in [1, 8] {
        #expect(throws: Failure.self) {
          try QuantizedMatrix(outputs: 1, inputs: count, zeros: [Float](repeating: 0, count: count), weights: element) {
            $1.update(repeating: weight, count: count)
          }
        }
      }
    }
    #expect(throws: Never.self) { try pack([Float](repeating: -32_639, count: 258), .int16) }
    #expect(throws: Failure.self) { try pack([Float](repeating: -32_639, count: 259), .int16) }
  }

  @Test func storedIntegersBeyondTheLimitAreRefused() throws {
    func read(_ tensor: Tensor, limit: Int16) throws(Failure) -> [Int16] {
      var row = [Int16](repeating: 0, count: 19)
      try integerRows(of: Weights(tensor, key: "w"), length: row.count, limit: limit)(0..<1, &row)
      return row
    }
    // The last one is what vectors of instructions leave over.
    for (value, place) in [(Int16(-128), 3), (128, 7), (-32_768, 18)] {
      var integers = (0..<19).map { Int16(127 - 14 * $0) }
      #expect(try read(Tensor(shape: [1, 19], integers: integers), limit: 127) == integers)
      integers[place] = value
      let tensor = try Tensor(shape: [1, 19], integers: integers)
      #expect(throws: Failure.self) { try read(tensor, limit: 127) }
      #expect((try? read(tensor, limit: .max)) == (value == .min ? nil : integers))
    }
    let bytes = try Tensor(shape: [1, 19], integers: [Int8](repeating: -128, count: 19))
    #expect(throws: Failure.self) { try read(bytes, limit: 127) }
  }
}

/// Layers whose inputs are quantized when they come.
@Suite struct DynamicLinearTests {
  private static func outputs(of x: [Float], rows: Int, weights: [Float], kind: DynamicLinear.Inputs) throws -> [Float]
  {
    let (inputs, outputs) = (x.count / rows, weights.count * rows / x.count)
    var integers = [Int16](repeating: 0, count: weights.count)
    let scales = integers.withUnsafeMutableBufferPointer { integers in
      weights.withUnsafeBufferPointer { weights in
        (0..<outputs).compactMap { output -> Float? in
          guard let weights = weights.baseAddress, let integers = integers.baseAddress else { return nil }
          let start = output * inputs
          return DynamicLinear.quantize(weights + start, count: inputs, into: integers + start)
        }
      }
    }
    let layer = try DynamicLinear(outputs: outputs, inputs: inputs, of: kind, scales: scales) { (outputs, rows) in
      for (i, integer) in integers[outputs.lowerBound * inputs..<outputs.upperBound * inputs].enumerated() {
        rows[i] = integer
      }
    }
    let scratch = try FloatBuffer(count: DynamicLinear.Scratch.floatCount(rows: rows, inputs: inputs))
    let stride = DynamicLinear.paddedOutputs(outputs)
    var y = [Float](repeating: 0, count: rows * stride)
    layer.apply(
      x, xStride: inputs, count: rows, scratch: DynamicLinear.Scratch(scratch.base, rows: rows), into: &y,
      yStride: stride)
    return (0..<rows * outputs).map { y[$0 / outputs * stride + $0 % outputs] }
  }

  @Test func productsAreCloseToThoseOfFloat32() throws {
    let (rows, inputs, outputs) = (9, 50, 21)
    var random = Random(seed: 1, purpose: "dynamic")
    let weights = (0..<outputs * inputs).map { _ in Float(random.uniform(in: -1...1)) }
    for kind in [DynamicLinear.Inputs.signed, .nonnegative] {
      let x = (0..<rows * inputs).map { _ in Float(random.uniform(in: kind == .signed ? -3...3 : 0...3)) }
      let y = try Self.outputs(of: x, rows: rows, weights: weights, kind: kind)
      for place in y.indices {
        let (row, output) = place.quotientAndRemainder(dividingBy: outputs)
        let exact = (0..<inputs).reduce(0.0) {
          $0 + Double(x[row * inputs + $1]) * Double(weights[output * inputs + $1])
        }
        // Half a step of each: 3 / 127 of 50 inputs, 1 / 127 of as many weights, which partly cancel.
        #expect(abs(Double(y[place]) - exact) < 0.25, "\(kind), row \(row), output \(output)")
        #expect(y[place] != 0)
      }
    }
  }

  /// A fiber that is not a number must not come out as one.
  @Test func valuesThatAreNotFiniteStayKnown() throws {
    var x = [Float](repeating: 1, count: 3 * 20)
    (x[3], x[27]) = (.nan, .infinity)
    let y = try Self.outputs(of: x, rows: 3, weights: [Float](repeating: 0.5, count: 20 * 2), kind: .signed)
    #expect(y[0].isNaN && y[1].isNaN && y[2].isNaN && y[3].isNaN)
    #expect(abs(y[4] - 10) < 1e-4 && abs(y[5] - 10) < 1e-4)
  }

  @Test func rowsAndWeightsOfZerosGiveTheBias() throws {
    let zeros = try Self.outputs(
      of: [Float](repeating: 0, count: 40), rows: 2, weights: (0..<60).map { Float($0) }, kind: .signed)
    #expect(zeros == [0, 0, 0, 0, 0, 0])
    let none = try Self.outputs(
      of: (0..<40).map { Float($0) }, rows: 2, weights: [Float](repeating: 0, count: 60), kind: .nonnegative)
    #expect(none == [0, 0, 0, 0, 0, 0])
  }
}
