import Basics

/// The two ways in which the area under the per-region-overlap curve (AUPRO) is computed; their values differ. Both
/// plot, over thresholds, the mean share of a defective region that is found (PRO) against the share of good pixels that is
/// wrongly found (FPR), up to a limit of FPR. Regions are 8-connected.
extension Evaluation {
  /// Largest false positive rate that counts, in both.
  package static let overlapLimit = 0.3

  /// The original cflow-ad's AUPRO, as in the paper's tables.
  ///
  /// 1000 thresholds t_k = max - k (max - min) / 1000; found is a map > t_k. A region's share counts the pixels of its
  /// holes as well but divides by the area without them. Points with FPR <= 0.3 are kept, their FPR is stretched to 0...1, and
  /// the area is by trapezoids.
  ///
  /// - Parameters:
  ///   - maps: images x height x width anomaly values, finite.
  ///   - masks: as many values: 0 good, anything else defective. There must be both.
  /// - Returns: the area; holes may lift it above 1. Fails with `.invalidArgument` when no two thresholds have a
  ///   different FPR up to the limit: the original divides 0 by 0 then.
  package static func auproPaper(maps: [Float], masks: [UInt8], width: Int, height: Int) throws(Failure) -> Double {
    try checkMaps(maps, masks, width, height)
    let good = zip(maps, masks).filter { $0.1 == 0 }.map { $0.0 }.sorted()
    var regions: [(values: [Float], area: Int)] = []
    forEachImage(masks, width: width, height: height) { offset, found in
      for index in found.pixels.indices {
        let values = found.filled(index).map { maps[offset + $0] }.sorted()
        regions.append((values, found.pixels[index].count))
      }
    }
    guard let low = maps.min().map(Double.init), let high = maps.max().map(Double.init) else { return .nan }

    var curve: [(rate: Double, overlap: Double)] = []
    for step in 0..<1000 {
      let threshold = high - Double(step) * ((high - low) / 1000)
      let rate = Double(count(good, above: threshold)) / Double(good.count)
      let shares = regions.map { Double(count($0.values, above: threshold)) / Double($0.area) }
      if rate <= overlapLimit { curve.append((rate, shares.reduce(0, +) / Double(regions.count))) }
    }
    // Rates ascend with k.
    guard let first = curve.first?.rate, let last = curve.last?.rate, last > first else {
      throw Failure(.invalidArgument, "no two thresholds have a different false positive rate up to \(overlapLimit)")
    }
    var area = 0.0
    for (from, to) in zip(curve, curve.dropFirst()) {
      area += (to.rate - from.rate) / (last - first) * (to.overlap + from.overlap) / 2
    }
    return area
  }

  /// The field's AUPRO (MVTec's evaluation code, torchmetrics, anomalib): a threshold at every value that occurs, found is a map >=
  /// the threshold, holes do not count, the curve is interpolated at FPR = 0.3 and the area divided by 0.3.
  ///
  /// Parameters as of ``auproPaper(maps:masks:width:height:)``. Returns 0...1.
  package static func auproStandard(maps: [Float], masks: [UInt8], width: Int, height: Int) throws(Failure) -> Double {
    try checkMaps(maps, masks, width, height)
    // What finding a pixel adds to the mean overlap, but for the number of regions.
    var gains = [Double](repeating: 0, count: maps.count)
    var regionCount = 0
    forEachImage(masks, width: width, height: height) { offset, found in
      regionCount += found.pixels.count
      for region in found.pixels {
        for pixel in region { gains[offset + pixel] = 1 / Double(region.count) }
      }
    }
    let goodCount = masks.reduce(0) { $0 + ($1 == 0 ? 1 : 0) }
    let order = maps.indices.sorted { maps[$0] > maps[$1] }
    var area = 0.0
    var point = (rate: 0.0, overlap: 0.0)
    var found = (good: 0, gain: 0.0)
    var next = 0
    while next < order.count, point.rate < overlapLimit {
      let value = maps[order[next]]
      while next < order.count, maps[order[next]] == value {
        if masks[order[next]] == 0 { found.good += 1 } else { found.gain += gains[order[next]] }
        next += 1
      }
      var end = (rate: Double(found.good) / Double(goodCount), overlap: found.gain / Double(regionCount))
      if end.rate > overlapLimit {
        let share = (overlapLimit - point.rate) / (end.rate - point.rate)
        end = (overlapLimit, point.overlap + share * (end.overlap - point.overlap))
      }
      area += (end.rate - point.rate) * (end.overlap + point.overlap) / 2
      point = end
    }
    return area / overlapLimit
  }

  private static func checkMaps(_ maps: [Float], _ masks: [UInt8], _ width: Int, _ height: Int) throws(Failure) {
    guard maps.count == masks.count else {
      throw Failure(.invalidArgument, "\(maps.count) map values do not fit \(masks.count) mask values")
    }
    guard maps.count <= maximumCount else {
      throw Failure(.unsupported, "\(maps.count) map values are more than \(maximumCount)")
    }
    guard width > 0, height > 0, let size = checkedProduct([width, height]), maps.count % size == 0 else {
      throw Failure(.invalidArgument, "\(maps.count) map values are not images of \(width) x \(height)")
    }
    guard maps.allSatisfy(\.isFinite) else { throw Failure(.invalidArgument, "a map value is not finite") }
    guard masks.contains(0), masks.contains(where: { $0 != 0 }) else {
      throw Failure(.invalidArgument, "good and defective pixels are both needed")
    }
  }

  /// Calls the body for every image with where it begins and its regions.
  private static func forEachImage(
    _ masks: [UInt8], width: Int, height: Int, _ body: (_ offset: Int, _ regions: Regions) -> Void
  ) {
    masks.withUnsafeBufferPointer { masks in
      for offset in stride(from: 0, to: masks.count, by: width * height) {
        body(offset, Regions(masks, offset: offset, width: width, height: height))
      }
    }
  }

  /// How many of ascending values are above the threshold.
  private static func count(_ values: [Float], above threshold: Double) -> Int {
    var (low, high) = (0, values.count)
    while low < high {
      let middle = (low + high) / 2
      if Double(values[middle]) > threshold { high = middle } else { low = middle + 1 }
    }
    return values.count - low
  }
}
