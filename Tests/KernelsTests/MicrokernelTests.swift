import Basics
import Microkernels
import Support
import Testing

@testable import Kernels

/// All inner loops, on every build, against plain sums in double precision: benchmarks/Microkernels times the same list.
@Suite struct MicrokernelTests {
  @Test(arguments: variants) func resultsEqualPlainSums(_ build: Build) throws {
    let kernels = try build.kernels
    for microkernel in Microkernel.tested {
      let operands = try microkernel.prepare(kernels)
      // Nothing of a result may come from the memory it is written to.
      operands.result.base.update(repeating: .nan, count: operands.result.count)
      operands.run()
      expectClose(operands.values, operands.expected(), within: microkernel.bound, microkernel.name)
    }
  }

  @Test(arguments: variants) func timedOnesAreRightToo(_ build: Build) throws {
    let kernels = try build.kernels
    for microkernel in Microkernel.timed {
      let operands = try microkernel.prepare(kernels)
      for _ in 0..<2 { operands.run() }
      let expected = operands.expected()
      let largest = expected.reduce(1) { max($0, abs($1)) }
      expectClose(operands.values, expected, within: 2e-5 * largest, microkernel.name)
    }
  }

  @Test(arguments: variants) func maximaCarryNaN(_ build: Build) throws {
    let kernels = try build.kernels
    let channels = 9
    var x = [Float](repeating: -1, count: 3 * channels)
    x[channels + 8] = .nan
    let y = try FloatBuffer(count: x.count)
    x.withUnsafeBufferPointer { x in
      guard let x = x.baseAddress else { return }
      [-1, 0, -1].withUnsafeBufferPointer { rows in
        [-1, 0, 1, 0, 1, 2, 1, 2, -1].withUnsafeBufferPointer { columns in
          guard let rows = rows.baseAddress, let columns = columns.baseAddress else { return }
          let window = WindowedMap(
            x: x, inputWidth: 3, channels: channels, kernel: 3, stride: 1, rowSources: rows, columnSources: columns,
            interiorStart: 1, interiorEnd: 2, outputWidth: 3, y: y.base)
          kernels.maxPooling(window, outputRows: 0..<1)
        }
      }
    }
    for i in 0..<y.count { #expect(i % channels == 8 ? y.base[i].isNaN : y.base[i] == -1) }
  }
}
