import Basics

/// The two ways in which the area under the per-region-overlap curve (AUPRO) is computed; their values differ. Over all
/// thresholds both plot the mean share of a defective region that is found (PRO) against the share of good pixels that
/// is found by mistake (FPR), up to a limit of FPR. Regions are 8-connected.
extension Evaluation {
  /// The largest false positive rate that counts in both.
  package static let overlapLimit = 0.3

  /// The original cflow-ad's AUPRO, as in the paper's tables.
  ///
  /// 1000 thresholds t_k = max - k (max - min) / 1000; found is a map > t_k. A region's share counts the pixels of its
  /// holes as well but divides by the area without them. Points with FPR <= 0.3 are kept, their FPR is stretched to
  /// 0...1, and the area is by trapezoids.
  ///
  /// It takes 10 bytes of memory per pixel of one image.
  ///
  /// - Parameters:
  ///   - maps: images x height x width anomaly values, finite.
  ///   - masks: as many values: 0 good, anything else defective. There must be both.
  /// - Returns: the area; holes may lift it above 1. Fails with `.invalidArgument` when no two thresholds have a
  ///   different FPR up to the limit: the original divides 0 by 0 then.
  package static func auproPaper(
    maps: UnsafeBufferPointer<Float>, masks: UnsafeBufferPointer<UInt8>, width: Int, height: Int
  ) throws(Failure) -> Double {
    let labelled = try LabelledMaps(values: maps, masks: masks, width: width, height: height)
    let thresholds = Thresholds(of: maps)
    // What the pixels that the k-th threshold is the first to find add to the rate and to the overlap, before the
    // division by the numbers of good pixels and of regions.
    var found = [(good: Int, gain: Double)](repeating: (0, 0), count: Thresholds.count)
    for index in maps.indices where masks[index] == 0 {
      if let first = thresholds.first(below: maps[index]) { found[first].good += 1 }
    }
    let regionCount = try labelled.forEachRegion { map, pixels, finder in
      let gain = 1 / Double(pixels.count)
      finder.forEachFilledPixel(of: pixels) { pixel in
        if let first = thresholds.first(below: map[pixel]) { found[first].gain += gain }
      }
    }

    var sum = (good: 0, gain: 0.0)
    var first: Double?
    var last = (rate: 0.0, overlap: 0.0)
    var area = 0.0
    for (good, gain) in found {
      sum = (sum.good + good, sum.gain + gain)
      let point = (rate: Double(sum.good) / Double(labelled.good), overlap: sum.gain / Double(regionCount))
      guard point.rate <= overlapLimit else { break }  // Rates ascend with k.
      if first != nil { area += (point.rate - last.rate) * (point.overlap + last.overlap) / 2 }
      first = first ?? point.rate
      last = point
    }
    guard let first, last.rate > first else {
      throw Failure(.invalidArgument, "no two thresholds have a different false positive rate up to \(overlapLimit)")
    }
    return area / (last.rate - first)
  }

  package static func auproPaper(maps: [Float], masks: [UInt8], width: Int, height: Int) throws(Failure) -> Double {
    try withBuffers(maps, masks) { (maps, masks) throws(Failure) in
      try auproPaper(maps: maps, masks: masks, width: width, height: height)
    }
  }

  /// The field's AUPRO (MVTec's evaluation code, torchmetrics, anomalib): a threshold at every value that occurs, found
  /// is a map >= the threshold, holes do not count, the curve is interpolated at FPR = 0.3 and the area divided by 0.3.
  ///
  /// It takes up to 8 bytes of memory per good pixel, 16 per defective pixel, and 10 per pixel of one image.
  ///
  /// Takes the parameters of ``auproPaper(maps:masks:width:height:)``. Returns 0...1.
  package static func auproStandard(
    maps: UnsafeBufferPointer<Float>, masks: UnsafeBufferPointer<UInt8>, width: Int, height: Int
  ) throws(Failure) -> Double {
    try overlapStandard(maps: maps, masks: masks, width: width, height: height, resolution: 0).area
  }

  /// AUPRO as the field computes it, with the curve up to the limit, thinned out to the resolution.
  package static func overlapStandard(
    maps: UnsafeBufferPointer<Float>, masks: UnsafeBufferPointer<UInt8>, width: Int, height: Int, resolution: Int
  ) throws(Failure) -> (area: Double, curve: Curve) {
    let labelled = try LabelledMaps(values: maps, masks: masks, width: width, height: height)
    // A good pixel has its rank; a defective one has the rank in the upper bits and its region's area below.
    let defective = try Buffer<UInt64>(count: labelled.defective)
    var next = 0
    let regionCount = try labelled.forEachRegion { map, pixels, _ in
      for pixel in pixels {
        defective.base[next] = UInt64(rank(of: map[Int(pixel)])) << 32 | UInt64(pixels.count)
        next += 1
      }
    }
    try sortByRank(defective.base, count: defective.count)
    let good = try Buffer<UInt32>(count: labelled.good)
    next = 0
    for index in maps.indices where masks[index] == 0 {
      good.base[next] = rank(of: maps[index])
      next += 1
    }
    try sortByRank(good.base, count: good.count)
    return overlap(good: good, defective: defective, regionCount: regionCount, resolution: resolution)
  }

  package static func auproStandard(maps: [Float], masks: [UInt8], width: Int, height: Int) throws(Failure) -> Double {
    try withBuffers(maps, masks) { (maps, masks) throws(Failure) in
      try auproStandard(maps: maps, masks: masks, width: width, height: height)
    }
  }

  /// Computes ``overlapStandard(maps:masks:width:height:resolution:)`` from pixels in ascending order.
  private static func overlap(
    good: Buffer<UInt32>, defective: Buffer<UInt64>, regionCount: Int, resolution: Int
  ) -> (area: Double, curve: Curve) {
    var curve = Curve(resolution: resolution)
    curve.add(rate: 0, share: 0)
    // The pixels that are not found yet.
    var left = (good: good.count, defective: defective.count)
    var gain = 0.0
    var area = 0.0
    var point = (rate: 0.0, overlap: 0.0)
    while left.good > 0, point.rate < overlapLimit {
      var rank = good.base[left.good - 1]
      if left.defective > 0 { rank = max(rank, UInt32(defective.base[left.defective - 1] >> 32)) }
      while left.good > 0, good.base[left.good - 1] == rank { left.good -= 1 }
      while left.defective > 0, UInt32(defective.base[left.defective - 1] >> 32) == rank {
        left.defective -= 1
        gain += 1 / Double(UInt32(truncatingIfNeeded: defective.base[left.defective]))
      }
      var end = (
        rate: Double(good.count - left.good) / Double(good.count), overlap: gain / Double(regionCount)
      )
      if end.rate > overlapLimit {
        let share = (overlapLimit - point.rate) / (end.rate - point.rate)
        end = (overlapLimit, point.overlap + share * (end.overlap - point.overlap))
      }
      area += (end.rate - point.rate) * (end.overlap + point.overlap) / 2
      point = end
      curve.add(rate: point.rate, share: point.overlap)
    }
    curve.end()
    return (area / overlapLimit, curve)
  }
}

/// The original's thresholds: 1000 equal steps from the largest value down to just above the smallest.
private struct Thresholds {
  static let count = 1000
  private let high: Double
  private let step: Double

  /// - Parameter values: not empty, finite.
  init(of values: UnsafeBufferPointer<Float>) {
    var (low, high) = (Float.greatestFiniteMagnitude, -Float.greatestFiniteMagnitude)
    for value in values { (low, high) = (min(low, value), max(high, value)) }
    self.high = Double(high)
    step = (Double(high) - Double(low)) / Double(Self.count)
  }

  private subscript(index: Int) -> Double { high - Double(index) * step }

  /// The first threshold below the value; nil if there is none. Thresholds descend.
  func first(below value: Float) -> Int? {
    let value = Double(value)
    guard step > 0 else { return nil }
    // The quotient may be off by rounding, so that comparisons decide.
    var index = min(max(Int((high - value) / step), 0), Self.count)
    while index > 0, value > self[index - 1] { index -= 1 }
    while index < Self.count, !(value > self[index]) { index += 1 }
    return index < Self.count ? index : nil
  }
}
