import KernelTasks

/// This build's kernels, one method a file. The sources of all builds are the same; what differs is the instructions that
/// the compiler may use.
package struct Variant: KernelTable {
  // Stateless: copying a stored value would be a function of the compiler's, under a name that all builds share.
  package init() {}

  package var name: String {
    #if WIDE_VECTORS
      "AVX-512"
    #elseif FUSED_MULTIPLY_ADD
      "AVX2+FMA"
    #else
      "baseline"
    #endif
  }
}
