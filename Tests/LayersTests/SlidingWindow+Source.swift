@testable import Layers

extension SlidingWindow {
  /// The place of an axis that a tap of an output reads; nil beyond the border.
  func source(of output: Int, tap: Int, length: Int) -> Int? {
    let place = output * stride + tap - margins(length).before
    guard padding == .reflect else { return (0..<length).contains(place) ? place : nil }
    return place < 0 ? -place : place >= length ? 2 * length - 2 - place : place
  }
}
