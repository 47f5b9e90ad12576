extension Variant {
  package func maximum(_ target: UnsafeMutablePointer<Float>, _ source: UnsafePointer<Float>, count: Int) {
    forEachVector(count: count) { start, lanes in
      let a = Vector.load(target + start, first: lanes)
      let b = Vector.load(source + start, first: lanes)
      a.replacing(with: b, where: b .> a).store(to: target + start, first: lanes)
    }
  }

  package func add(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, count: Int, into output: UnsafeMutablePointer<Float>
  ) {
    forEachVector(count: count) { start, lanes in
      (Vector.load(a + start, first: lanes) + Vector.load(b + start, first: lanes)).store(
        to: output + start, first: lanes)
    }
  }
}
