import Basics
import Imaging

/// Finds the layout of frames of a size, in one region of interest. Keeps those of the last four sizes.
package final class FrameLayouts {
  private let preprocessing: Preprocessing
  private let upsampler: LikelihoodUpsampler
  private let region: RegionOfInterest?
  private var layouts = LRUCache<FrameLayout>()

  /// - Parameter region: the region in which frames are scored; nil for whole frames.
  init(_ preprocessing: Preprocessing, _ upsampler: LikelihoodUpsampler, region: RegionOfInterest?) {
    self.preprocessing = preprocessing
    self.upsampler = upsampler
    self.region = region
  }

  /// The layout of frames of this size. Makes tables for a size that was not met lately. Fails with `.outOfMemory`, and with
  /// `.invalidArgument` when no place of the map lies in the region.
  func layout(frameWidth: Int, frameHeight: Int) throws(Failure) -> FrameLayout {
    try layouts.element {
      $0.frameWidth == frameWidth && $0.frameHeight == frameHeight
    } orMake: { () throws(Failure) in
      try FrameLayout(preprocessing, upsampler, frameWidth: frameWidth, frameHeight: frameHeight, region: region)
    }
  }
}
