import KernelTasks

/// This build's kernels, one method a file. The sources of all builds are the same; what differs is the instructions that
/// the compiler may use.
package struct Variant: KernelTable {
  package let name: String

  package init(name: String) { self.name = name }
}
