import Basics
import CFlowADHeader
import Imaging
import Scoring

private let maximumRectangleCount = 65536

/// Checks the caller's region of interest and brings it to the size that a frame's map has by this preprocessing.
func checkedRegionOfInterest(
  _ pointer: UnsafePointer<cflowad_roi>?, for preprocessing: Preprocessing
) throws(Failure) -> RegionOfInterest {
  let roi = try CallerStruct.read(pointer, "region of interest")
  let mask = try roi.mask.map { (mask) throws(Failure) in
    try BorrowedMask(
      base: mask, width: Int(roi.mask_width), height: Int(roi.mask_height),
      stride: roi.mask_stride < 0 ? .max : roi.mask_stride)
  }
  guard let rectangles = roi.rects else {
    guard let mask else { throw Failure(.invalidArgument, "the region of interest has neither rectangles nor a mask") }
    let tiles = preprocessing.tiles(frameWidth: mask.width, frameHeight: mask.height)
    return try RegionOfInterest(tiles, rectangles: nil, mask: mask)
  }
  guard (1...maximumRectangleCount).contains(roi.rect_count) else {
    throw Failure(.invalidArgument, "\(roi.rect_count) rectangles are not within 1...\(maximumRectangleCount)")
  }
  let sides = 1...UInt32(Frame.maximumSide)
  guard sides.contains(roi.frame_width), sides.contains(roi.frame_height) else {
    throw Failure(.invalidArgument, "a frame of \(roi.frame_width)x\(roi.frame_height) pixels is not within \(sides)")
  }
  return try RegionOfInterest(
    preprocessing.tiles(frameWidth: Int(roi.frame_width), frameHeight: Int(roi.frame_height)),
    rectangles: UnsafeBufferPointer(start: rectangles, count: roi.rect_count).map {
      .init(x: Int($0.x), y: Int($0.y), width: Int($0.width), height: Int($0.height))
    }, mask: mask)
}
