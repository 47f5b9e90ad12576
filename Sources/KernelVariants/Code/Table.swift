import KernelTasks

/// This build's kernels, a family in each file. All builds have the same sources and differ in the instructions that
/// the compiler may use.
package struct Variant: KernelTable {
  // It has no stored values, since the compiler would copy them by a function under a name that all builds share.
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
