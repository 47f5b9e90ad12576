import Basics
import Execution

/// Resizes frames to one size as Pillow's `Image.resize((width, height), Image.LANCZOS)` does in mode RGB, byte for
/// byte: a horizontal pass, rounded to 8 bits, then a vertical one; a pass that changes no size is skipped
/// (`ImagingResample`, src/libImaging/Resample.c). Newer versions take the vertical pass first for some sizes
/// (``Resampling``).
///
/// It keeps the weights and the scratch memory of the last few frame sizes, so that streams of equal frames allocate
/// nothing. One call at a time.
package final class Resizer {
  package let width: Int
  package let height: Int

  /// Rows that the horizontal pass works on together, so that each of its vectors is full: 16 grey or 48 colour samples.
  static let bandRows = 16

  /// The routes of the last few frame sizes.
  private var routes = LRUCache<Route>()
  private let resampling: Resampling
  private let reader: RowReader
  private let workers: Workers

  /// Sides 1...65535; fails with `invalidArgument`.
  ///
  /// - Parameters:
  ///   - window: how samples of more than 8 bits become 8.
  ///   - workers: share the work; nil for the calling thread alone.
  package init(
    width: Int, height: Int, window: Window = .full, resampling: Resampling = .pillow3, workers: Workers? = nil
  ) throws(Failure) {
    let sides = 1...Frame.maximumSide
    guard sides.contains(width), sides.contains(height) else {
      throw Failure(.invalidArgument, "the size \(width)x\(height) to resize to is not within \(sides) pixels")
    }
    self.width = width
    self.height = height
    self.resampling = resampling
    self.workers = if let workers { workers } else { try Workers(count: 1) }
    reader = try RowReader(window: window)
  }

  /// Writes height x width RGB8 pixels, rows without gaps. Fails with `outOfMemory`, for a new frame size only.
  package func resize(_ frame: Frame, into rgb: UnsafeMutablePointer<UInt8>) throws(Failure) {
    reader.prepare(frame)
    let route = try routes.element {
      $0.fits(frame)
    } orMake: { () throws(Failure) in
      try Route(frame, width: width, height: height, resampling, threadCount: workers.count)
    }
    try route.run(frame, reader, to: LineTarget(base: rgb, pitch: 3 &* width, isRGB: true), workers)
  }

  /// The image that finished lines are written to.
  struct LineTarget {
    let base: UnsafeMutablePointer<UInt8>
    let pitch: Int
    /// Whether they become RGB, or stay 1 or 3 channels in the frame's order.
    let isRGB: Bool

    func write(_ line: UnsafePointer<UInt8>, _ format: PixelFormat, width: Int, row: Int) {
      let output = base + row &* pitch
      if isRGB, format == .gray8 {
        for x in 0..<width {
          output[3 &* x] = line[x]
          output[3 &* x &+ 1] = line[x]
          output[3 &* x &+ 2] = line[x]
        }
      } else if isRGB, format.isBlueFirst {
        for x in 0..<width {
          output[3 &* x] = line[3 &* x &+ 2]
          output[3 &* x &+ 1] = line[3 &* x &+ 1]
          output[3 &* x &+ 2] = line[3 &* x]
        }
      } else {
        memcpy(output, line, format.channelCount &* width)
      }
    }
  }
}
