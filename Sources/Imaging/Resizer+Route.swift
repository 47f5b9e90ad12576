import Basics
import Execution

extension Resizer {
  /// How frames of one size are resized: by one plan, or, where rows come first, by two plans that make one pass each.
  final class Route {
    private let last: Plan
    private let first: Plan?
    /// The result of the first plan: the target's height x the frame's width x 3.
    private let middle: Buffer<UInt8>?

    init(_ frame: Frame, width: Int, height: Int, _ resampling: Resampling, threadCount: Int) throws(Failure) {
      guard resampling.isRowsFirst(from: (frame.width, frame.height), to: (width, height)) else {
        (first, middle) = (nil, nil)
        last = try Plan(frame, width: width, height: height, threadCount: threadCount)
        return
      }
      first = try Plan(frame, width: frame.width, height: height, threadCount: threadCount)
      let middle = try Buffer<UInt8>(count: height * frame.width * 3)
      self.middle = middle
      last = try Plan(
        Self.lower(frame, middle, height: height), width: width, height: height, threadCount: threadCount)
    }

    func fits(_ frame: Frame) -> Bool { (first ?? last).fits(frame) }

    /// Writes the finished lines.
    func run(_ frame: Frame, _ reader: RowReader, to target: LineTarget, _ workers: Workers) throws(Failure) {
      guard let first, let middle else { return last.run(frame, reader, to: target, workers) }
      let lower = try Self.lower(frame, middle, height: first.height)
      first.run(frame, reader, to: LineTarget(base: middle.base, pitch: lower.stride, isRGB: false), workers)
      last.run(lower, reader, to: target, workers)
    }

    /// The frame after the first pass: of the target's height, without alpha, and unpacked.
    private static func lower(_ frame: Frame, _ memory: Buffer<UInt8>, height: Int) throws(Failure) -> Frame {
      let format: PixelFormat = frame.format == .gray8 ? .gray8 : frame.format.isBlueFirst ? .bgr8 : .rgb8
      return try Frame(
        base: UnsafePointer(memory.base), width: frame.width, height: height,
        stride: frame.width &* format.channelCount, format: format)
    }
  }
}
