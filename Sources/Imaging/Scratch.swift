import Basics
import Glibc

/// Uninitialised memory of `count` elements, owned by this object. Unlike an array it fails instead of trapping when
/// memory cannot be had.
final class Scratch<Element: BitwiseCopyable> {
  let pointer: UnsafeMutablePointer<Element>

  init(_ count: Int) throws(Failure) {
    guard let bytes = checkedProduct([max(count, 1), MemoryLayout<Element>.stride]), let memory = malloc(bytes) else {
      throw Failure(.outOfMemory, "no memory for \(count) elements of \(MemoryLayout<Element>.stride) bytes")
    }
    pointer = memory.bindMemory(to: Element.self, capacity: max(count, 1))
  }

  deinit { free(pointer) }
}
