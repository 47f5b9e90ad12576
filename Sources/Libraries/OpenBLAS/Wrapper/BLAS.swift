import Basics
import COpenBLASShim

/// Matrix products by OpenBLAS whose bits do not depend on its thread count, which is never changed.
///
/// OpenBLAS rounds a product differently with another number of threads, for two reasons. Its threaded driver cuts the
/// depth into other pieces than its single-threaded one; and it cuts rows and columns at places that depend on the
/// number of threads, where some processors' kernels have edge tiles that sum in another order than inner ones.
/// (OpenBLAS 0.3.21, 300 ragged shapes: 123 differed between 1 and 2 threads.) So ``multiply`` makes
/// - pieces of ``depthPerCall``, below what either driver cuts, where that alone was found to be enough:
///   ``threadSafeKernels``. 1000 shapes (rows 1...300, columns and depth 1...2304, transposed or not) had equal bits at
///   1, 2 and 5 threads;
/// - and otherwise tiles of ``tile`` x ``tile`` x ``tile``: 2^18 multiplications are as many as OpenBLAS computes
///   on the calling thread whatever its thread count (interface/gemm.c, SMP_THRESHOLD_MIN * GEMM_MULTITHREAD_THRESHOLD).
///   On its Haswell kernels they run at 0.8 to 0.9 of the speed of one thread on whole products.
/// The first piece adds to zeros instead of using beta = 0: for small products with beta = 0 some versions choose a
/// kernel by the thread count ("sgemm_direct").
package enum BLAS {
  /// To be called before the first product. Fails with `.unsupported` when there is no OpenBLAS on the machine.
  package static func load() throws(Failure) {
    guard cflowad_blas_load() == 0 else {
      throw Failure(.unsupported, "training needs OpenBLAS, but libopenblas.so.0 cannot be loaded")
    }
  }

  /// Longest piece of the depth given to OpenBLAS at once.
  static let depthPerCall = 256

  /// Largest side of a product that OpenBLAS never shares among threads.
  static let tile = 64

  /// Kernels that OpenBLAS may run on several threads: their edge tiles sum in the order of inner ones. Haswell's, Zen's
  /// and Nehalem's do not.
  static let threadSafeKernels: Set<String> = ["SkylakeX", "Cooperlake", "Sandybridge"]

  private static let sharesAmongThreads = threadSafeKernels.contains(String(cString: cflowad_blas_core_name()))

  /// C = alpha op(A) op(B) + beta C in float32, row-major.
  ///
  /// op(A) is `rows` x `depth`, op(B) is `depth` x `columns`, C is `rows` x `columns`. Strides are in numbers from one
  /// stored row to the next: a transposed A is stored as `depth` rows, a transposed B as `columns` rows. C may not
  /// overlap A or B. With `beta` 0 C need not be initialized. Sizes are the caller's own and below 2^31; rows or
  /// columns of 0 or less do nothing, depth 0 scales C.
  package static func multiply(
    _ a: UnsafePointer<Float>, rowStride strideA: Int, transposed transposedA: Bool,
    by b: UnsafePointer<Float>, rowStride strideB: Int, transposed transposedB: Bool,
    into c: UnsafeMutablePointer<Float>, rowStride strideC: Int,
    rows: Int, columns: Int, depth: Int, alpha: Float = 1, beta: Float = 0
  ) {
    guard rows > 0, columns > 0 else { return }
    scale(c, rowStride: strideC, rows: rows, columns: columns, by: beta)
    let height = sharesAmongThreads ? rows : tile
    let width = sharesAmongThreads ? columns : tile
    let length = sharesAmongThreads ? depthPerCall : tile
    for row in stride(from: 0, to: rows, by: height) {
      for column in stride(from: 0, to: columns, by: width) {
        for start in stride(from: 0, to: depth, by: length) {
          cflowad_blas_sgemm(
            transposedA ? 1 : 0, transposedB ? 1 : 0, Int32(truncatingIfNeeded: min(height, rows &- row)),
            Int32(truncatingIfNeeded: min(width, columns &- column)),
            Int32(truncatingIfNeeded: min(length, depth &- start)), alpha,
            a + (transposedA ? start &* strideA &+ row : row &* strideA &+ start),
            Int32(truncatingIfNeeded: strideA),
            b + (transposedB ? column &* strideB &+ start : start &* strideB &+ column),
            Int32(truncatingIfNeeded: strideB), 1, c + (row &* strideC &+ column), Int32(truncatingIfNeeded: strideC))
        }
      }
    }
  }

  /// C = factor C; 0 sets zeros whatever was there.
  private static func scale(
    _ c: UnsafeMutablePointer<Float>, rowStride: Int, rows: Int, columns: Int, by factor: Float
  ) {
    guard factor != 1 else { return }
    for row in 0..<rows {
      let line = c + row &* rowStride
      if factor == 0 {
        line.update(repeating: 0, count: columns)
      } else {
        for column in 0..<columns { line[column] *= factor }
      }
    }
  }

  /// OpenBLAS's version, how it was built and which kernels it runs, e.g. `OpenBLAS 0.3.21 DYNAMIC_ARCH … Haswell`.
  package static var configuration: String {
    "\(String(cString: cflowad_blas_config())) \(String(cString: cflowad_blas_core_name()))"
  }
}
