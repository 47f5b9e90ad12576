import Basics
import CFlowADHeader
import ImageFiles
import Imaging
import PNG
import Rendering

@_cdecl("cflowad_image_is_name") @implementation
public func cflowad_image_is_name(_ path: UnsafePointer<CChar>?) -> Int32 {
  var isName = false
  _ = attempt { () throws(Failure) in
    guard let path else { return }
    let name = String(path: path).split(separator: "/", omittingEmptySubsequences: false).last
    isName = ImageFile.isName(name.map { String($0) } ?? "")
  }
  return isName ? 1 : 0
}

@_cdecl("cflowad_image_read_info") @implementation
public func cflowad_image_read_info(
  _ path: UnsafePointer<CChar>?, _ width: UnsafeMutablePointer<UInt32>?, _ height: UnsafeMutablePointer<UInt32>?,
  _ format: UnsafeMutablePointer<cflowad_pixel_format>?
) -> cflowad_status {
  write(width, height, format) { () throws(Failure) in try ImageFile.readShape(path: checkedPath(path)) }
}

@_cdecl("cflowad_image_read") @implementation
public func cflowad_image_read(
  _ path: UnsafePointer<CChar>?, _ pixels: UnsafeMutableRawPointer?, _ capacity: Int
) -> cflowad_status {
  attempt { () throws(Failure) in
    let path = try checkedPath(path)
    let pixels = try checkedOutput(pixels, "pixels")
    let picture = try ImageFile.read(path: path)
    try checkCapacity(capacity, holds: picture.bytes.count, "pixels")
    UnsafeMutableRawBufferPointer(start: pixels, count: picture.bytes.count).copyMemory(
      from: UnsafeRawBufferPointer(picture.bytes))
  }
}

private func write(
  _ width: UnsafeMutablePointer<UInt32>?, _ height: UnsafeMutablePointer<UInt32>?,
  _ format: UnsafeMutablePointer<cflowad_pixel_format>?, _ read: () throws(Failure) -> Picture.Shape
) -> cflowad_status {
  attempt { () throws(Failure) in
    let (width, height) = (try checkedOutput(width, "width"), try checkedOutput(height, "height"))
    let format = try checkedOutput(format, "format")
    let shape = try read()
    (width.pointee, height.pointee) = (UInt32(shape.width), UInt32(shape.height))
    format.pointee = shape.formatNumber
  }
}

@_cdecl("cflowad_png_read_info") @implementation
public func cflowad_png_read_info(
  _ path: UnsafePointer<CChar>?, _ width: UnsafeMutablePointer<UInt32>?, _ height: UnsafeMutablePointer<UInt32>?,
  _ format: UnsafeMutablePointer<cflowad_pixel_format>?
) -> cflowad_status {
  write(width, height, format) { () throws(Failure) in try PNG.readShape(path: checkedPath(path)) }
}

@_cdecl("cflowad_png_read") @implementation
public func cflowad_png_read(
  _ path: UnsafePointer<CChar>?, _ pixels: UnsafeMutableRawPointer?, _ capacity: Int
) -> cflowad_status {
  attempt { () throws(Failure) in
    let path = try checkedPath(path)
    let pixels = try checkedOutput(pixels, "pixels")
    guard capacity >= 0 else { throw Failure(.invalidArgument, "the capacity is too large") }
    try PNG.read(path: path, into: UnsafeMutableRawBufferPointer(start: pixels, count: capacity))
  }
}

@_cdecl("cflowad_png_write") @implementation
public func cflowad_png_write(
  _ path: UnsafePointer<CChar>?, _ frame: UnsafePointer<cflowad_frame>?
) -> cflowad_status {
  attempt { () throws(Failure) in
    let path = try checkedPath(path)
    let frame = try checkedFrame(frame)
    let channels = frame.format.channelCount
    let pixels = try Buffer<UInt8>(count: frame.width * frame.height * channels)
    let reader = try RowReader()
    reader.prepare(frame)
    for y in 0..<frame.height { reader.read(frame, y, into: pixels.base + y * frame.width * channels) }
    try PNG.write(
      path: path, pixels: pixels.base, width: frame.width, height: frame.height, stride: frame.width * channels,
      channels: channels)
  }
}

private var defaultOverlayOptions: cflowad_overlay_options {
  var options = cflowad_overlay_options()
  options.low = 0
  options.high = 3
  options.threshold = .nan
  options.opacity = 0.6
  return options
}

@_cdecl("cflowad_overlay_options_init") @implementation
public func cflowad_overlay_options_init(
  _ options: UnsafeMutablePointer<cflowad_overlay_options>?, _ structSize: Int
) -> cflowad_status {
  attempt { () throws(Failure) in
    try CallerStruct.initialize(options, size: structSize, "overlay options", defaults: defaultOverlayOptions)
  }
}

@_cdecl("cflowad_model_overlay_options") @implementation
public func cflowad_model_overlay_options(
  _ model: OpaquePointer?, _ options: UnsafeMutablePointer<cflowad_overlay_options>?, _ structSize: Int
) -> cflowad_status {
  attempt { () throws(Failure) in
    guard let scale = try models.object(model).calibration?.mapScale else {
      throw Failure(.notCalibrated, "the detector is not calibrated: its heat maps have no scale")
    }
    var ofModel = defaultOverlayOptions
    ofModel.low = scale.low
    ofModel.high = scale.high
    ofModel.threshold = scale.threshold
    try CallerStruct.initialize(options, size: structSize, "overlay options", defaults: ofModel)
  }
}

@_cdecl("cflowad_render_overlay") @implementation
public func cflowad_render_overlay(
  _ frame: UnsafePointer<cflowad_frame>?, _ map: UnsafePointer<Float>?, _ mapCount: Int,
  _ options: UnsafePointer<cflowad_overlay_options>?, _ rgb: UnsafeMutableRawPointer?, _ capacity: Int
) -> cflowad_status {
  attempt { () throws(Failure) in
    let frame = try checkedFrame(frame)
    let rgb = try checkedOutput(rgb, "rgb")
    guard let map else { throw Failure(.invalidArgument, "the map is NULL") }
    guard mapCount == frame.width * frame.height else {
      throw Failure(
        .invalidArgument, "a map of \(mapCount) values does not lie over a frame of \(frame.width)x\(frame.height)")
    }
    try checkCapacity(capacity, holds: 3 * frame.width * frame.height, "rgb")
    var chosen = defaultOverlayOptions
    if options != nil { chosen = try CallerStruct.read(options, "overlay options", defaults: defaultOverlayOptions) }
    let overlay = try Overlay(
      low: chosen.low, high: chosen.high, threshold: chosen.threshold.isNaN ? nil : chosen.threshold,
      opacity: chosen.opacity)
    try render(frame: frame, map: map, overlay: overlay, into: rgb.assumingMemoryBound(to: UInt8.self))
  }
}
