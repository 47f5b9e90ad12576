import Basics

extension Resizer {
  /// The way of one size of frames: a plan, or for rows first two, of which each makes one of the passes.
  final class Route {
    private let last: Plan
    private let first: Plan?
    /// What the first plan makes: the target's height x the frame's width x 3.
    private let middle: Buffer<UInt8>?

    init(_ frame: Frame, width: Int, height: Int, _ resampling: Resampling) throws(Failure) {
      guard resampling.isRowsFirst(from: (frame.width, frame.height), to: (width, height)) else {
        (first, middle) = (nil, nil)
        last = try Plan(frame, width: width, height: height)
        return
      }
      first = try Plan(frame, width: frame.width, height: height)
      let middle = try Buffer<UInt8>(count: height * frame.width * 3)
      self.middle = middle
      last = try Plan(Self.lower(frame, middle, height: height), width: width, height: height)
    }

    func fits(_ frame: Frame) -> Bool { (first ?? last).fits(frame) }

    /// Calls the body with the finished lines from the top, and what order their 1 or 3 channels have.
    func run(
      _ frame: Frame, _ reader: RowReader,
      _ body: (_ y: Int, _ line: UnsafePointer<UInt8>, _ format: PixelFormat) -> Void
    ) throws(Failure) {
      guard let first, let middle else {
        return last.forEachLine(frame, reader) { y, line in body(y, line, frame.format) }
      }
      let lower = try Self.lower(frame, middle, height: first.height)
      first.forEachLine(frame, reader) { y, line in
        (middle.base + y &* lower.stride).update(from: line, count: lower.stride)
      }
      last.forEachLine(lower, reader) { y, line in body(y, line, lower.format) }
    }

    /// The frame after the first pass: as it is but for its height, alpha and a camera's format.
    private static func lower(_ frame: Frame, _ memory: Buffer<UInt8>, height: Int) throws(Failure) -> Frame {
      let format: PixelFormat = frame.format == .gray8 ? .gray8 : frame.format.isBlueFirst ? .bgr8 : .rgb8
      return try Frame(
        base: UnsafePointer(memory.base), width: frame.width, height: height,
        stride: frame.width &* format.channelCount, format: format)
    }
  }
}
