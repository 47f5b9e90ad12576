import Basics
import Execution
import Segmentation

/// A frame's anomaly map at the frame's size, and the regions on it. Its memory is as large as the largest frame for which it was
/// needed. One frame at a time.
final class FrameMap {
  private let workers: Workers
  private var buffer: FloatBuffer?
  private var finder: RegionFinder?

  /// - Parameter workers: share the rows; nobody else may use them meanwhile.
  init(workers: Workers) { self.workers = workers }

  /// Makes what is requested of a map at the network's scale. Allocates for a frame larger than all before, for what is
  /// requested the first time, and for more regions than before.
  ///
  /// - Returns: the map at the frame's size, in the caller's memory or this one's, and the regions; nil for what is not wanted.
  func run(
    _ map: UnsafePointer<Float>, _ layout: FrameLayout, _ request: FrameRequest, _ thresholds: DecisionThresholds,
    _ stageEnded: StageObserver?
  ) throws(Failure) -> (values: UnsafePointer<Float>?, regions: FoundRegions?) {
    let values = try target(layout, request)
    if let values { Self.resample(map, layout, into: values, workers) }
    stageEnded?(.map)
    guard let values, let limit = request.regionLimit else { return (UnsafePointer(values), nil) }
    let finder = try fittingFinder(layout, limit: limit)
    mark(values, layout, finder, above: thresholds.pixelThreshold)
    let regions = finder.find(in: values, filter: thresholds.regionFilter)
    stageEnded?(.regions)
    return (UnsafePointer(values), regions)
  }

  /// Where the map at the frame's size belongs; nil when nobody wants it.
  private func target(
    _ layout: FrameLayout, _ request: FrameRequest
  ) throws(Failure) -> UnsafeMutablePointer<Float>? {
    if let room = request.frameMap { return room.base }
    guard request.wantsFrameMap || request.regionLimit != nil else { return nil }
    let count = layout.frameWidth &* layout.frameHeight
    if let buffer, buffer.count >= count { return buffer.base }
    buffer = nil
    let new = try FloatBuffer(count: count)
    buffer = new
    return new.base
  }

  private func fittingFinder(_ layout: FrameLayout, limit: Int) throws(Failure) -> RegionFinder {
    if let finder {
      try finder.fit(width: layout.frameWidth, height: layout.frameHeight, limit: limit)
      return finder
    }
    let new = try RegionFinder(width: layout.frameWidth, height: layout.frameHeight, limit: limit)
    finder = new
    return new
  }

  /// Brings a map to the frame's size, bilinear: frameHeight x frameWidth values.
  static func resample(
    _ map: UnsafePointer<Float>, _ layout: FrameLayout, into output: UnsafeMutablePointer<Float>, _ workers: Workers
  ) {
    typealias Job = (layout: FrameLayout, map: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>)
    let job: Job = (layout, map, output)
    withUnsafePointer(to: job) { job in
      workers.run(parts: layout.frameHeight, context: job) { context, y, _ in
        let job = context.assumingMemoryBound(to: Job.self).pointee
        let row = job.layout.frameRows[y]
        let (upper, lower) = (job.map + row.first &* job.layout.width, job.map + row.second &* job.layout.width)
        let (target, columns) = (job.output + y &* job.layout.frameWidth, job.layout.frameColumns)
        for x in 0..<job.layout.frameWidth { target[x] = bilinear(upper, lower, row: row, column: columns[x]) }
      }
    }
  }

  /// Marks the pixels that belong to regions. Threads share the rows, some at a time.
  private func mark(
    _ map: UnsafePointer<Float>, _ layout: FrameLayout, _ finder: RegionFinder, above threshold: Float
  ) {
    typealias Job = (map: UnsafePointer<Float>, layout: FrameLayout, finder: RegionFinder, threshold: Float)
    let job: Job = (map, layout, finder, threshold)
    withUnsafePointer(to: job) { job in
      workers.run(parts: (finder.height &+ 15) / 16, context: job) { context, band, _ in
        let job = context.assumingMemoryBound(to: Job.self).pointee
        let rows = 16 &* band..<min(16 &* band &+ 16, job.finder.height)
        job.finder.mark(rows: rows, of: job.map, above: job.threshold) { x, y in
          job.layout.isInside(frameX: x, frameY: y)
        }
      }
    }
  }
}
