/// Numbers read from a model file, in the shape and layout PyTorch gives them: row-major, last axis fastest.
package struct Tensor: Sendable, Equatable {
  package let shape: [Int]
  package let values: [Float]

  /// Fails when the number of values is not the product of the shape, or the product does not fit.
  package init(shape: [Int], values: [Float]) throws(Failure) {
    guard let count = checkedProduct(shape), count == values.count else {
      throw Failure(.format, "a tensor of shape \(shape) cannot hold \(values.count) values")
    }
    self.shape = shape
    self.values = values
  }
}

/// The product of sizes that come from a file or a caller; nil when one is negative or the product overflows.
package func checkedProduct(_ sizes: [Int]) -> Int? {
  var product = 1
  for size in sizes {
    let (next, overflow) = product.multipliedReportingOverflow(by: size)
    guard size >= 0, !overflow else { return nil }
    product = next
  }
  return product
}
