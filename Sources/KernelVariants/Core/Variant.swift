import KernelTasks

/// This build's kernels, a family in each file. All builds have the same sources, of which each takes some families, and
/// differ in the instructions that the compiler may use.
package struct Variant: MathKernels {
  // It has no stored values, because the compiler would copy them by a function whose name all builds share.
  package init() {}

  package var name: String {
    #if TILE_PRODUCTS
      "AMX"
    #elseif WIDE_VECTORS && DOT_PRODUCTS
      "AVX-512-VNNI"
    #elseif WIDE_VECTORS
      "AVX-512"
    #elseif DOT_PRODUCTS
      "AVX-VNNI"
    #elseif MULTIPLY_ADD
      "AVX2+FMA"
    #else
      "baseline"
    #endif
  }
}
