import Basics
import COpenBLASShim
import Support
import Testing

@testable import OpenBLAS

/// One after the other: they set OpenBLAS's thread count.
@Suite(.serialized) struct BLASTests {
  init() throws { try BLAS.load() }

  private func shapes() -> [(rows: Int, columns: Int, depth: Int, transposedA: Bool, transposedB: Bool)] {
    var random = Random(seed: 7, purpose: "shapes")
    return (0..<60).map { index in
      var (m, n, k) = (1 + random.integer(below: 300), 1 + random.integer(below: 900), 1 + random.integer(below: 900))
      if index % 6 == 0 { m = 1 }
      if index % 6 == 1 { n = 1 }
      if index % 6 == 2 { k = 1 + random.integer(below: 4) }
      return (m, n, k, random.integer(below: 2) == 1, random.integer(below: 2) == 1)
    }
  }

  @Test func bitsDoNotDependOnTheThreadCount() {
    let before = cflowad_blas_thread_count()
    defer { cflowad_blas_set_thread_count(before) }
    let a = Generated.values("a", 900 * 900)
    let b = Generated.values("b", 900 * 900)
    for shape in shapes() {
      let (m, n, k) = (shape.rows, shape.columns, shape.depth)
      let products = [Int32(1), 2, 3].map { threads in
        cflowad_blas_set_thread_count(threads)
        var c = [Float](repeating: .nan, count: m * n)
        BLAS.multiply(
          a, rowStride: shape.transposedA ? m : k, transposed: shape.transposedA, by: b,
          rowStride: shape.transposedB ? k : n, transposed: shape.transposedB, into: &c, rowStride: n, rows: m,
          columns: n, depth: k)
        return c
      }
      #expect(products[0] == products[1], "\(shape), \(BLAS.configuration)")
      #expect(products[0] == products[2], "\(shape), \(BLAS.configuration)")
      #expect(!products[0].contains { $0.isNaN })
    }
  }

  @Test func leavesTheThreadCountAlone() {
    let before = cflowad_blas_thread_count()
    defer { cflowad_blas_set_thread_count(before) }
    cflowad_blas_set_thread_count(2)
    var c: [Float] = [0]
    BLAS.multiply(
      [2], rowStride: 1, transposed: false, by: [3], rowStride: 1, transposed: false, into: &c, rowStride: 1, rows: 1,
      columns: 1, depth: 1)
    #expect(c == [6])
    #expect(cflowad_blas_thread_count() == 2)
  }

  @Test(arguments: [(3, 5, 7), (70, 130, 300), (1, 65, 257), (129, 1, 64)], [(1, 0), (0.5, 1), (-2, 0.25)])
  func isTheProduct(_ size: (m: Int, n: Int, k: Int), _ factors: (alpha: Float, beta: Float)) {
    let (m, n, k) = size
    let start = Generated.values("c", m * (n + 2))
    for (ta, tb) in [(false, false), (true, false), (false, true), (true, true)] {
      // Rows a little longer than needed.
      let (strideA, strideB) = ((ta ? m : k) + 1, (tb ? k : n) + 3)
      let a = Generated.values("a", (ta ? k : m) * strideA)
      let b = Generated.values("b", (tb ? n : k) * strideB)
      var c = start
      BLAS.multiply(
        a, rowStride: strideA, transposed: ta, by: b, rowStride: strideB, transposed: tb, into: &c, rowStride: n + 2,
        rows: m, columns: n, depth: k, alpha: factors.alpha, beta: factors.beta)
      var worst = 0.0
      for i in 0..<m {
        for j in 0..<n {
          var sum = 0.0
          for p in 0..<k {
            sum += Double(a[ta ? p * strideA + i : i * strideA + p]) * Double(b[tb ? j * strideB + p : p * strideB + j])
          }
          let at = i * (n + 2) + j
          let expected = Double(factors.alpha) * sum + Double(factors.beta) * Double(start[at])
          worst = max(worst, abs(Double(c[at]) - expected))
        }
        #expect(c[i * (n + 2) + n] == start[i * (n + 2) + n])
      }
      #expect(worst < 1e-5 * Double(k).squareRoot())
    }
  }

  @Test func emptyProducts() {
    var c: [Float] = [1, .nan]
    BLAS.multiply(
      [0], rowStride: 1, transposed: false, by: [0], rowStride: 1, transposed: false, into: &c, rowStride: 2, rows: 1,
      columns: 2, depth: 0)
    #expect(c == [0, 0])
    c = [1, 2]
    for (rows, columns) in [(0, 2), (1, 0), (-1, 2)] {
      BLAS.multiply(
        [0], rowStride: 1, transposed: false, by: [0], rowStride: 1, transposed: false, into: &c, rowStride: 2,
        rows: rows, columns: columns, depth: 1)
    }
    #expect(c == [1, 2])
  }
}
