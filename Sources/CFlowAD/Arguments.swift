import Basics
import CFlowADHeader
import Imaging

/// The caller's frame, checked.
func checkedFrame(_ pointer: UnsafePointer<cflowad_frame>?) throws(Failure) -> Frame {
  let frame = try CallerStruct.read(pointer, "frame")
  guard let data = frame.data else { throw Failure(.invalidArgument, "the frame's data is NULL") }
  guard let format = PixelFormat(rawValue: frame.format) else {
    throw Failure(.invalidArgument, "the frame's format \(frame.format) is not a CFLOWAD_PIXEL_ constant")
  }
  guard frame.reserved == 0 else { throw Failure(.invalidArgument, "the frame's reserved field is not 0") }
  guard let stride = Int(exactly: frame.stride) else {
    throw Failure(.invalidArgument, "the frame's stride of \(frame.stride) bytes is too large")
  }
  return try Frame(
    base: data.assumingMemoryBound(to: UInt8.self), width: Int(frame.width), height: Int(frame.height), stride: stride,
    format: format)
}

/// The caller's path, checked.
func checkedPath(_ path: UnsafePointer<CChar>?) throws(Failure) -> String {
  guard let path else { throw Failure(.invalidArgument, "the path is NULL") }
  guard let string = String(validatingCString: path), !string.isEmpty else {
    throw Failure(.invalidArgument, "the path is empty or not UTF-8")
  }
  return string
}

/// A pointer through which a result is handed out.
func checkedOutput<Value>(
  _ pointer: UnsafeMutablePointer<Value>?, _ name: StaticString
) throws(Failure) -> UnsafeMutablePointer<Value> {
  guard let pointer else { throw Failure(.invalidArgument, "the pointer for the \(name) is NULL") }
  return pointer
}

/// Says when an output array is too small for what it shall receive.
func checkCapacity(_ capacity: Int, holds needed: Int, _ name: StaticString) throws(Failure) {
  // size_t is unsigned: SIZE_MAX, "no limit", arrives as -1.
  guard UInt(bitPattern: capacity) >= UInt(bitPattern: needed) else {
    throw Failure(.bufferTooSmall, "\(name) has room for \(capacity) elements where \(needed) are needed")
  }
}

/// A raw pointer through which a result is handed out.
func checkedOutput(_ pointer: UnsafeMutableRawPointer?, _ name: StaticString) throws(Failure) -> UnsafeMutableRawPointer
{
  guard let pointer else { throw Failure(.invalidArgument, "the pointer for the \(name) is NULL") }
  return pointer
}
