extension Workers {
  /// Computes all parts of a job by a closure, which the threads call at the same time.
  ///
  /// `withoutActuallyEscaping` checks at run time that the closure was not kept, and its check holds the path of the source
  /// file. The path is replaced, because the library must have the same bytes whatever folder it is built in.
  // The formatter would take the spaces out of #sourceLocation.
  // swift-format-ignore
  package func run(parts: Int, _ body: (_ part: Int, _ worker: Int) -> Void) {
    #sourceLocation(file: "Workers.run", line: 1)
    withoutActuallyEscaping(body) { body in
      withUnsafePointer(to: body) { body in
        run(parts: parts, context: body) { context, part, worker in
          context.assumingMemoryBound(to: ((Int, Int) -> Void).self).pointee(part, worker)
        }
      }
    }
    #sourceLocation()
  }
}
