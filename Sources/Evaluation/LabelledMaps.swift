import Basics

/// Anomaly maps and the truth about their pixels, checked. The memory is borrowed.
struct LabelledMaps {
  /// images x height x width values, finite.
  let values: UnsafeBufferPointer<Float>
  /// As many labels: 0 is good, anything else defective. Both occur.
  let masks: UnsafeBufferPointer<UInt8>
  let width: Int
  let height: Int
  let good: Int
  var defective: Int { values.count - good }

  /// Fails with `.invalidArgument` when the sizes do not fit, a value is not finite or a class is missing,
  /// `.unsupported` when there are too many values.
  init(
    values: UnsafeBufferPointer<Float>, masks: UnsafeBufferPointer<UInt8>, width: Int, height: Int
  ) throws(Failure) {
    guard values.count == masks.count else {
      throw Failure(.invalidArgument, "\(values.count) map values do not fit \(masks.count) mask values")
    }
    guard values.count <= Evaluation.maximumCount else {
      throw Failure(.unsupported, "\(values.count) map values are more than \(Evaluation.maximumCount)")
    }
    guard width > 0, height > 0, let size = checkedProduct([width, height]), values.count % size == 0 else {
      throw Failure(.invalidArgument, "\(values.count) map values are not images of \(width)x\(height)")
    }
    var good = 0
    for index in values.indices {
      guard values[index].isFinite else { throw Failure(.invalidArgument, "map value \(index) is not finite") }
      if masks[index] == 0 { good += 1 }
    }
    guard good > 0, good < values.count else {
      throw Failure(.invalidArgument, "good and defective pixels are both needed")
    }
    (self.values, self.masks, self.width, self.height, self.good) = (values, masks, width, height, good)
  }

  /// Calls the body for every region of every image with the map of that image, and returns the number of regions. The
  /// body also gets the finder, which finds a region's holes.
  func forEachRegion(
    _ body: (_ map: UnsafePointer<Float>, _ pixels: UnsafeBufferPointer<UInt32>, _ finder: Regions) -> Void
  ) throws(Failure) -> Int {
    guard let values = values.baseAddress, let masks = masks.baseAddress else { return 0 }
    let finder = try Regions(width: width, height: height)
    var count = 0
    for offset in stride(from: 0, to: self.values.count, by: width * height) {
      finder.forEachRegion(in: masks + offset) { pixels in
        count += 1
        body(values + offset, pixels, finder)
      }
    }
    return count
  }
}
