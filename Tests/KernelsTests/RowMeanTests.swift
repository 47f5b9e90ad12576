import KernelTasks
import Support
import Testing

@testable import Kernels

/// Weighted means of rows in every build: the same bits, those of the sum as it is written down in single precision.
@Suite struct RowMeanTests {
  @Test(arguments: variants, [1, 7, 8, 9, 15, 16, 17, 24, 31, 40, 95, 128])
  func meansAreTheSameBitsInEveryBuild(_ build: Build, length: Int) throws {
    let kernels = try build.kernels
    let (pitch, factor) = (length + 3, Float(0.3))
    for weightCount in 0...6 {
      let rows = Generated.unit("rows", count: (weightCount + 1) * pitch).map { Float($0) }
      let weights = Generated.unit("row weights", count: max(weightCount, 1)).map { Float($0) }
      let before = Generated.unit("target", count: pitch).map { Float($0) }
      var target = before
      rows.withUnsafeBufferPointer { rows in
        weights.withUnsafeBufferPointer { weights in
          guard let rows = rows.baseAddress, let weights = weights.baseAddress else { return }
          kernels.addRowMean(
            RowMean(rows: rows, pitch: pitch, length: length, weights: weights, weightCount: weightCount),
            times: factor, to: &target)
        }
      }
      for place in 0..<length {
        var mean = rows[place]
        for i in 0..<weightCount {
          let product = (rows[(i + 1) * pitch + place] - rows[place]) * weights[i]
          mean += product
        }
        let product = mean * factor
        #expect(target[place] == before[place] + product, "\(weightCount) weights, place \(place)")
      }
      #expect(Array(target[length...]) == Array(before[length...]), "what lies behind the row stays")
    }
  }
}
