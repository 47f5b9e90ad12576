import Basics
import FoundationEssentials
import ImageFiles
import Imaging
import Rendering
import Scoring

/// Scores frames and draws them for a page.
final class LiveScorer {
  private let scorer: FrameScorer
  /// height x width RGB8 pixels, as large as the largest frame so far.
  private var rgb: Buffer<UInt8>?
  private var resizer: Resizer?

  /// How many regions of a frame are named.
  private static let regionLimit = 3

  init(_ detector: Detector, threadCount: Int) throws(Failure) {
    scorer = try FrameScorer(detector, threadCount: threadCount)
  }

  /// How heat maps are drawn.
  var overlay: Overlay {
    get throws(Failure) {
      guard let scale = scorer.detector.calibration?.mapScale else { return try Overlay() }
      return try Overlay(low: scale.low, high: scale.high, threshold: scorer.thresholds.pixelThreshold)
    }
  }

  /// A frame that cannot be read or scored is told of instead.
  ///
  /// - Parameter name: what people see it called.
  func score(_ path: String, name: String) -> LiveFrame {
    var status = stat()
    let time =
      stat(path.pathBytes, &status) == 0 ? Date(timeIntervalSince1970: Double(status.st_mtim.tv_sec)) : Date.now
    let outcome: LiveFrame.Outcome
    do throws(Failure) { outcome = .scored(try scored(path)) } catch { outcome = .failed(error.message.shown) }
    return LiveFrame(name: name, time: time, outcome: outcome)
  }

  private func scored(_ path: String) throws(Failure) -> LiveFrame.Scored {
    let image = try ImageFile.read(path: path)
    return try image.withFrame { frame throws(Failure) in
      var request = FrameRequest()
      request.regionLimit = Self.regionLimit
      let result: FrameResult
      do throws(Failure) { result = try scorer.score(frame, request) } catch { throw error.within(path) }
      let regions = ScoredRegions(result, hasContours: false)
      let rgb = try memory(for: frame)
      try resizer(for: frame).resize(frame, into: rgb)
      let photograph = try Thumbnail.png(rgb, width: frame.width, height: frame.height)
      if let map = result.frameMap {
        try render(
          frame: frame, map: map, overlay: try overlay, window: scorer.detector.preprocessing.window, into: rgb)
      }
      return LiveFrame.Scored(
        score: result.score, mapMean: result.mapMean, pValue: result.pValue, lowPValue: result.lowPValue,
        regions: regions?.list.map(\.text) ?? [], regionCount: regions?.count ?? 0, photograph: photograph,
        heatMap: try Thumbnail.png(rgb, width: frame.width, height: frame.height))
    }
  }

  private func memory(for frame: Frame) throws(Failure) -> UnsafeMutablePointer<UInt8> {
    let count = 3 * frame.width * frame.height
    if let rgb, rgb.count >= count { return rgb.base }
    let buffer = try Buffer<UInt8>(count: count)
    rgb = buffer
    return buffer.base
  }

  /// One that changes no size: it reads every pixel format.
  private func resizer(for frame: Frame) throws(Failure) -> Resizer {
    if let resizer, resizer.width == frame.width, resizer.height == frame.height { return resizer }
    let new = try Resizer(width: frame.width, height: frame.height, window: scorer.detector.preprocessing.window)
    resizer = new
    return new
  }
}
