import Basics
import CFlowADHeader
import Scoring
import Segmentation

/// The caller's arrays for regions and their contours.
struct RegionOutputs {
  let capacity: Int
  private let base: UnsafeMutableRawPointer
  /// The bytes from one element to the next, and how many of each are written.
  private let stride: Int
  private let points: UnsafeMutablePointer<cflowad_point>?
  private let pointCapacity: Int

  /// The size of an element in the first version that had them.
  private static let firstSize = 64

  /// Nil when no regions are wanted.
  init?(_ result: cflowad_result) throws(Failure) {
    guard let regions = result.regions else {
      guard result.contour_points == nil else {
        throw Failure(.invalidArgument, "contours are wanted, but no regions")
      }
      return nil
    }
    let alignment = MemoryLayout<cflowad_region>.alignment
    guard (Self.firstSize...4096).contains(result.region_size), result.region_size % alignment == 0 else {
      throw Failure(
        .structSize, "region_size is \(result.region_size); this version's is \(MemoryLayout<cflowad_region>.size)")
    }
    // size_t is unsigned: SIZE_MAX, "no limit", arrives as -1.
    capacity = result.region_capacity < 0 ? .max : result.region_capacity
    base = regions
    stride = result.region_size
    points = result.contour_points
    pointCapacity = result.contour_capacity < 0 ? .max : result.contour_capacity
  }

  /// Writes as many of a frame's regions as there is room for, and returns the number of corners of their contours.
  func write(_ found: FoundRegions, _ result: FrameResult) -> Int {
    var (written, needed) = (0, 0)
    for (index, region) in found.kept.prefix(capacity).enumerated() {
      var output = cflowad_region(region)
      output.p_value = result.pValue(of: region.peak)
      if let points {
        let count = found.contour(of: region) { corner, x, y in
          guard written &+ corner < pointCapacity else { return }
          points[written &+ corner] = cflowad_point(x: Int32(truncatingIfNeeded: x), y: Int32(truncatingIfNeeded: y))
        }
        needed += count
        if count <= pointCapacity - written {
          output.contour_first = written
          output.contour_count = count
          written += count
        }
      }
      withUnsafeBytes(of: output) { bytes in
        guard let source = bytes.baseAddress else { return }
        (base + index * stride).copyMemory(from: source, byteCount: min(bytes.count, stride))
      }
    }
    return needed
  }
}

extension cflowad_region {
  fileprivate init(_ region: Region) {
    self.init()
    x = UInt32(truncatingIfNeeded: region.x)
    y = UInt32(truncatingIfNeeded: region.y)
    width = UInt32(truncatingIfNeeded: region.width)
    height = UInt32(truncatingIfNeeded: region.height)
    area = UInt32(truncatingIfNeeded: region.area)
    centroid_x = region.centroidX
    centroid_y = region.centroidY
    peak = region.peak
    peak_x = UInt32(truncatingIfNeeded: region.peakX)
    peak_y = UInt32(truncatingIfNeeded: region.peakY)
    mean = region.mean
  }
}
