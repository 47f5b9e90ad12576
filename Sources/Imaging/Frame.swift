import Basics

/// A borrowed view of an image in the caller's memory. It must not outlive the call it was given to.
package struct Frame {
  /// Pixels.
  package private(set) var width: Int
  /// Rows.
  package private(set) var height: Int
  /// The layout of its rows: as they lie in memory, or, for a camera's format, as ``RowReader`` unpacks them, `gray8`
  /// or `rgb8`.
  package let format: PixelFormat
  /// Nil when the rows lie in memory as ``format`` says.
  private(set) var camera: CameraImage?
  /// First pixel of the first row, and bytes from one row to the next, negative when the last row comes first.
  private(set) var base: UnsafePointer<UInt8>
  let stride: Int

  /// Largest width and height: `CFLOWAD_MAX_FRAME_SIDE`.
  package static let maximumSide = 65535

  /// A part of an image, in pixels from its top left corner.
  package struct Rectangle: Sendable, Equatable {
    package let x: Int
    package let y: Int
    package let width: Int
    package let height: Int

    package init(x: Int, y: Int, width: Int, height: Int) {
      self.x = x
      self.y = y
      self.width = width
      self.height = height
    }
  }

  /// Rows of interleaved 8-bit pixels.
  ///
  /// Fails with `invalidArgument` for sides outside 1...65535, for a stride shorter than a row, when stride * height does
  /// not fit an `Int`, and for a crop that is empty or not within the image.
  ///
  /// - Parameters:
  ///   - base: the first row of the memory.
  ///   - stride: bytes from one row of the memory to the next.
  ///   - isBottomUp: the memory's first row is the image's last.
  ///   - crop: the part of the image that is the frame; nil for all of it.
  package init(
    base: UnsafePointer<UInt8>, width: Int, height: Int, stride: Int, format: PixelFormat, isBottomUp: Bool = false,
    crop: Rectangle? = nil
  ) throws(Failure) {
    let part = try Self.checkedPart(crop, width: width, height: height, minimumSide: 1)
    try Self.check(stride: stride, rowBytes: width * format.bytesPerPixel, rows: height)
    self.format = format
    self.width = part.width
    self.height = part.height
    camera = nil
    let firstRow = isBottomUp ? height - 1 - part.y : part.y
    self.base = base + firstRow * stride + part.x * format.bytesPerPixel
    self.stride = isBottomUp ? -stride : stride
  }

  /// An image in a camera's format. Fails as the other initialiser does, and with `invalidArgument` for a number of
  /// bits or a shift that the format does not have.
  ///
  /// - Parameters:
  ///   - planes: first rows of the second and third plane; nil for one that follows directly behind the plane before.
  ///   - planeStrides: their strides; 0 for that of the plane before.
  ///   - significantBits: how many bits of a 16-bit word count, 8...16; 0 for all.
  ///   - shift: unused bits below them.
  package init(
    base: UnsafePointer<UInt8>, width: Int, height: Int, stride: Int, format: CameraFormat,
    planes: (UnsafePointer<UInt8>?, UnsafePointer<UInt8>?) = (nil, nil), planeStrides: (Int, Int) = (0, 0),
    significantBits: Int = 0, shift: Int = 0, isBottomUp: Bool = false, crop: Rectangle? = nil
  ) throws(Failure) {
    let part = try Self.checkedPart(crop, width: width, height: height, minimumSide: format.minimumSide)
    let bits = try Self.checkedBits(significantBits, shift: shift, format)

    // Not an array, because a frame is made for every score and scoring must not allocate.
    let first = Plane(base: base, stride: stride)
    try Self.check(stride: stride, rowBytes: format.rowBytes(width, plane: 0), rows: format.rows(height, plane: 0))
    let second = try Self.plane(1, planes.0, planeStrides.0, after: first, format, width: width, height: height)
    let third = try Self.plane(2, planes.1, planeStrides.1, after: second, format, width: width, height: height)
    self.base = base
    self.stride = stride
    self.width = part.width
    self.height = part.height
    self.format = format.isGray ? .gray8 : .rgb8
    camera = CameraImage(
      format: format, planes: (first.base, second.base, third.base),
      strides: (first.stride, second.stride, third.stride), width: width, height: height, bits: bits, shift: shift,
      firstColumn: part.x, firstRow: part.y, isBottomUp: isBottomUp)
  }

  private struct Plane {
    let base: UnsafePointer<UInt8>
    let stride: Int
  }

  /// A further plane: the one that was given, or the memory directly behind the plane before. Where the format has no further plane
  /// it is the plane before once more.
  private static func plane(
    _ index: Int, _ base: UnsafePointer<UInt8>?, _ stride: Int, after before: Plane, _ format: CameraFormat, width: Int,
    height: Int
  ) throws(Failure) -> Plane {
    guard index < format.planeCount else {
      guard base == nil, stride == 0 else {
        throw Failure(.invalidArgument, "plane \(index) is given, but the frame's format has \(format.planeCount)")
      }
      return before
    }
    let plane = Plane(
      base: base ?? before.base + before.stride * format.rows(height, plane: index - 1),
      stride: stride == 0 ? before.stride : stride)
    try check(
      stride: plane.stride, rowBytes: format.rowBytes(width, plane: index), rows: format.rows(height, plane: index))
    return plane
  }

  private static func checkedPart(
    _ crop: Rectangle?, width: Int, height: Int, minimumSide: Int
  ) throws(Failure) -> Rectangle {
    let sides = minimumSide...maximumSide
    guard sides.contains(width), sides.contains(height) else {
      throw Failure(.invalidArgument, "the frame size \(width)x\(height) is not within \(sides) pixels")
    }
    guard let crop else { return Rectangle(x: 0, y: 0, width: width, height: height) }
    guard crop.x >= 0, crop.y >= 0, crop.width >= 1, crop.height >= 1, crop.x < width, crop.y < height,
      crop.width <= width - crop.x, crop.height <= height - crop.y
    else {
      throw Failure(
        .invalidArgument,
        "the crop of \(crop.width)x\(crop.height) pixels at \(crop.x), \(crop.y) is not within the frame of "
          + "\(width)x\(height)")
    }
    return crop
  }

  private static func check(stride: Int, rowBytes: Int, rows: Int) throws(Failure) {
    guard stride >= rowBytes else {
      throw Failure(.invalidArgument, "the stride \(stride) is shorter than a row of \(rowBytes) bytes")
    }
    guard !stride.multipliedReportingOverflow(by: rows).overflow else {
      throw Failure(.invalidArgument, "\(rows) rows with a stride of \(stride) bytes do not fit the address space")
    }
  }

  private static func checkedBits(_ bits: Int, shift: Int, _ format: CameraFormat) throws(Failure) -> Int {
    guard format.hasChoiceOfBits else {
      guard bits == 0 || bits == format.bits, shift == 0 else {
        throw Failure(.invalidArgument, "the frame's format has \(format.bits) significant bits and no shift")
      }
      return format.bits
    }
    let bits = bits == 0 ? format.bits - (0...8 ~= shift ? shift : 0) : bits
    guard 8...16 ~= bits, shift >= 0, shift <= 16 - bits else {
      throw Failure(
        .invalidArgument, "\(bits) significant bits with a shift of \(shift) are not 8 to 16 within a word of 16")
    }
    return bits
  }

  /// A part of the frame as a frame of its own; it must lie within this one.
  package func part(_ rectangle: Rectangle) -> Frame {
    var part = self
    part.width = rectangle.width
    part.height = rectangle.height
    part.camera?.firstColumn += rectangle.x
    part.camera?.firstRow += rectangle.y
    if camera == nil { part.base += rectangle.y * stride + rectangle.x * format.bytesPerPixel }
    return part
  }

  /// First pixel of row `y` of a frame that needs no unpacking.
  @inline(__always)
  func row(_ y: Int) -> UnsafePointer<UInt8> { base + y &* stride }
}
