import Basics
import COpenBLASShim

/// The linear algebra of fitting a Gaussian, by OpenBLAS and the LAPACK in it, in double precision.
///
/// Matrices are row-major, and triangles lower ones. Sizes are the caller's own, below 2^31.
package enum LAPACK {
  /// Runs a body that uses the functions below. OpenBLAS has one thread in the whole process meanwhile, so that bits do
  /// not depend on how many it had before; the number is then restored.
  ///
  /// Fails with `.unsupported` when there is no OpenBLAS on the machine, with `.outOfMemory` when it would get no memory.
  ///
  /// - Parameter threads: how many threads call them at the same time.
  package static func use<Value>(
    threads: Int, _ body: () throws(Failure) -> Value
  ) throws(Failure) -> Value {
    try checkAvailable()
    let count = Int32(clamping: threads)
    try check(cflowad_lapack_begin(count))
    defer { cflowad_lapack_end(count) }
    return try body()
  }

  /// Fails with `.unsupported` when there is no OpenBLAS on the machine, with `.outOfMemory` when it cannot begin.
  package static func checkAvailable() throws(Failure) { try check(cflowad_lapack_load()) }

  private static func check(_ status: Int32) throws(Failure) {
    switch Int(status) {
    case CFLOWAD_LAPACK_OK: break
    case CFLOWAD_LAPACK_NO_MEMORY:
      throw Failure(
        .outOfMemory, "fitting a Gaussian needs 129 MiB of address space for each thread, for OpenBLAS's buffers")
    default:
      throw Failure(
        .unsupported,
        "fitting a Gaussian needs LAPACK, but libopenblas.so.0 (Debian's libopenblas0) cannot be loaded")
    }
  }

  /// C += A' A: `a` is rows x n; of `c`, n x n, the lower triangle is computed.
  package static func addGram(
    of a: UnsafePointer<Double>, rows: Int, n: Int, to c: UnsafeMutablePointer<Double>
  ) {
    guard rows > 0, n > 0 else { return }
    cflowad_lapack_add_gram(Int32(truncatingIfNeeded: n), Int32(truncatingIfNeeded: rows), a, c)
  }

  /// C = A B': `a` is rows x depth, `b` columns x depth.
  package static func multiply(
    _ a: UnsafePointer<Double>, rows: Int, byTransposed b: UnsafePointer<Double>, columns: Int, depth: Int,
    into c: UnsafeMutablePointer<Double>
  ) {
    guard rows > 0, columns > 0, depth > 0 else { return }
    cflowad_lapack_multiply_transposed(
      Int32(truncatingIfNeeded: rows), Int32(truncatingIfNeeded: columns), Int32(truncatingIfNeeded: depth), a, b, c)
  }

  /// Rows x become W x, in place: the first n values of each of `rows` rows, `stride` apart; W is lower triangular, its rows n
  /// apart.
  package static func multiply(
    rows x: UnsafeMutablePointer<Double>, count rows: Int, stride: Int, byTriangle w: UnsafePointer<Double>, n: Int
  ) {
    guard rows > 0, n > 0 else { return }
    cflowad_lapack_multiply_triangular(
      Int32(truncatingIfNeeded: rows), Int32(truncatingIfNeeded: n), w, Int32(truncatingIfNeeded: n), x,
      Int32(truncatingIfNeeded: stride))
  }

  /// The eigenvalues of a symmetric matrix, ascending. `a` holds its lower triangle; its rows become the eigenvectors.
  ///
  /// Fails with `.diverged` when the algorithm does not converge, as for values that are not finite.
  package static func eigenvectors(_ a: UnsafeMutablePointer<Double>, n: Int) throws(Failure) -> [Double] {
    guard n > 0 else { return [] }
    let work = try Buffer<Double>(count: 1 + 6 * n + 2 * n * n, isBrief: true)
    let integers = try Buffer<Int64>(count: 3 + 5 * n, isBrief: true)
    var values = [Double](repeating: 0, count: n)
    let info = integers.base.withMemoryRebound(to: CLongLong.self, capacity: integers.count) { integers in
      cflowad_lapack_eigenvectors(Int32(truncatingIfNeeded: n), a, &values, work.base, integers)
    }
    guard info == 0, values.allSatisfy(\.isFinite) else {
      throw Failure(.diverged, "the eigenvectors of a covariance of \(n) channels cannot be found")
    }
    return values
  }

  /// Whether the determinant of a matrix that is not singular is negative.
  package static func hasNegativeDeterminant(_ a: UnsafePointer<Double>, n: Int) throws(Failure) -> Bool {
    guard n > 0 else { return false }
    let copy = try Buffer<Double>(count: n * n, isBrief: true)
    copy.base.update(from: a, count: n * n)
    let pivots = try Buffer<Int64>(count: n, isBrief: true)
    let sign = pivots.base.withMemoryRebound(to: CLongLong.self, capacity: n) {
      cflowad_lapack_determinant_sign(Int32(truncatingIfNeeded: n), copy.base, $0)
    }
    guard sign != 0 else { throw Failure(.diverged, "a matrix of \(n) channels is singular") }
    return sign < 0
  }

  /// Replaces a positive definite matrix by W with W A W' = 1, the inverse of its Cholesky factor; lower triangles.
  ///
  /// Fails with `.diverged` when the matrix is not positive definite.
  package static func invertCholesky(_ a: UnsafeMutablePointer<Double>, n: Int) throws(Failure) {
    guard n > 0 else { return }
    guard cflowad_lapack_inverse_cholesky(Int32(truncatingIfNeeded: n), a) == 0 else {
      throw Failure(.diverged, "a covariance of \(n) directions is not positive definite")
    }
  }
}
