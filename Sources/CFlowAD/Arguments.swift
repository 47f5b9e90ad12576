import Basics
import CFlowADHeader
import Execution
import Imaging

/// Checks the caller's frame.
func checkedFrame(_ pointer: UnsafePointer<cflowad_frame>?) throws(Failure) -> Frame {
  let frame = try CallerStruct.read(pointer, "frame")
  guard let data = frame.data else { throw Failure(.invalidArgument, "the frame's data is NULL") }
  guard frame.flags & ~UInt32(CFLOWAD_FRAME_BOTTOM_UP) == 0 else {
    throw Failure(.invalidArgument, "the frame's flags \(frame.flags) are not CFLOWAD_FRAME_ constants")
  }
  let base = data.assumingMemoryBound(to: UInt8.self)
  let (width, height) = (Int(frame.width), Int(frame.height))
  let stride = try checkedStride(frame.stride)
  let isBottomUp = frame.flags & UInt32(CFLOWAD_FRAME_BOTTOM_UP) != 0
  let crop = Frame.Rectangle(
    x: Int(frame.crop_x), y: Int(frame.crop_y), width: Int(frame.crop_width), height: Int(frame.crop_height))
  let isWhole = crop == Frame.Rectangle(x: 0, y: 0, width: 0, height: 0)
  let planes = (
    frame.planes.0?.assumingMemoryBound(to: UInt8.self), frame.planes.1?.assumingMemoryBound(to: UInt8.self)
  )
  let planeStrides = (try checkedStride(frame.plane_strides.0), try checkedStride(frame.plane_strides.1))
  if let format = PixelFormat(rawValue: frame.format) {
    guard frame.significant_bits == 0 || frame.significant_bits == 8, frame.shift == 0, planes.0 == nil,
      planes.1 == nil, planeStrides == (0, 0)
    else { throw Failure(.invalidArgument, "the frame's format has one plane of 8-bit samples") }
    return try Frame(
      base: base, width: width, height: height, stride: stride, format: format, isBottomUp: isBottomUp,
      crop: isWhole ? nil : crop)
  }
  guard let format = CameraFormat(rawValue: frame.format) else {
    throw Failure(.invalidArgument, "the frame's format \(frame.format) is not a CFLOWAD_PIXEL_ constant")
  }
  return try Frame(
    base: base, width: width, height: height, stride: stride, format: format, planes: planes,
    planeStrides: planeStrides, significantBits: Int(frame.significant_bits), shift: Int(frame.shift),
    isBottomUp: isBottomUp, crop: isWhole ? nil : crop)
}

private func checkedStride(_ stride: Int) throws(Failure) -> Int {
  // size_t is unsigned, so that values which are too large arrive as negative ones.
  guard stride >= 0 else { throw Failure(.invalidArgument, "a stride of the frame is too large") }
  return stride
}

/// Makes the threads that the caller's options ask for: own ones, or the host's.
func checkedWorkers(
  _ threadCount: UInt32, _ parallelFor: cflowad_parallel_for?, _ context: UnsafeMutableRawPointer?
) throws(Failure) -> Workers {
  let count = Int(threadCount)
  guard count <= Workers.maximumCount else {
    throw Failure(.invalidArgument, "\(count) threads are more than \(Workers.maximumCount)")
  }
  guard let parallelFor else { return try Workers(count: count) }
  return try Workers(count: count, host: HostThreads(parallelFor, context: context))
}

/// Checks the caller's path, which may be any bytes that the system takes.
func checkedPath(_ path: UnsafePointer<CChar>?) throws(Failure) -> String {
  guard let path else { throw Failure(.invalidArgument, "the path is NULL") }
  let string = String(path: path)
  guard !string.isEmpty else { throw Failure(.invalidArgument, "the path is empty") }
  return string
}

/// Checks that a pointer for a result, typed or raw, is not NULL.
func checkedOutput<Pointer>(_ pointer: Pointer?, _ name: StaticString) throws(Failure) -> Pointer {
  guard let pointer else { throw Failure(.invalidArgument, "the pointer for the \(name) is NULL") }
  return pointer
}

/// The value of one of the header's constants, which all begin with `CFLOWAD_` and the family's name.
func checkedConstant<Value: RawRepresentable<Int32>>(_ number: Int32, _ family: StaticString) throws(Failure) -> Value {
  guard let value = Value(rawValue: number) else {
    throw Failure(.invalidArgument, "\(number) is not a CFLOWAD_\(family)_ constant")
  }
  return value
}
