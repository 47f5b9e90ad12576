import KernelTasks

/// This build's kernels. The sources of all builds are the same; what differs is the instructions the compiler may use.
package func kernelTable(name: String) -> KernelTable {
  KernelTable(
    name: name, product: { product($0, rows: $1, panels: $2) }, depthwise: { depthwise($0, outputRows: $1) },
    maximum: { maximum($0, $1, count: $2) }, add: { add($0, $1, count: $2, into: $3) },
    coupling: { coupling($0, rows: $1) }, squaredNorms: { squaredNorms($0, rows: $1, into: $2) },
    exp: { exp($0, count: $1) }, tanh: { tanh($0, count: $1) })
}
