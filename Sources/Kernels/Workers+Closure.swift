extension Workers {
  /// Computes all parts of a job by a closure, which the threads call at the same time.
  package func run(parts: Int, _ body: (_ part: Int, _ worker: Int) -> Void) {
    withoutActuallyEscaping(body) { body in
      withUnsafePointer(to: body) { body in
        run(parts: parts, context: body) { context, part, worker in
          context.assumingMemoryBound(to: ((Int, Int) -> Void).self).pointee(part, worker)
        }
      }
    }
  }
}
