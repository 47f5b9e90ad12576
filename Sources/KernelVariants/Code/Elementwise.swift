// This file is hot: see Products/GEMM.swift for what that forbids.

extension Variant {
  package func add(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, count: Int, into output: UnsafeMutablePointer<Float>
  ) {
    forEachVector(count: count) { start, lanes in
      (Vector.load(a + start, first: lanes) + Vector.load(b + start, first: lanes)).store(
        to: output + start, first: lanes)
    }
  }
}
