import Basics
import CFlowADHeader
import Imaging
import Kernels
import Scoring

extension cflowad_shape {
  /// Of the results that a detector gives of a frame.
  init(_ detector: Detector, _ frame: Frame) {
    self.init()
    let tiles = detector.preprocessing.tiles(frameWidth: frame.width, frameHeight: frame.height)
    map_width = UInt32(truncatingIfNeeded: tiles.columns.mapLength)
    map_height = UInt32(truncatingIfNeeded: tiles.rows.mapLength)
    tile_count = UInt32(truncatingIfNeeded: tiles.count)
    level_count = UInt32(truncatingIfNeeded: detector.levels.count)
    copyLevels(detector.levels, { $0.width }, into: &level_width)
    copyLevels(detector.levels, { $0.height }, into: &level_height)
    copyLevels(detector.levels, { $0.channels }, into: &level_channels)
  }
}

/// One of each level's extents in an array of `CFLOWAD_MAX_LEVELS`, which a model file has no more of.
func copyLevels(
  _ levels: [Grid], _ extent: (Grid) -> Int, into array: inout (UInt32, UInt32, UInt32, UInt32)
) {
  withUnsafeMutableBytes(of: &array) { bytes in
    let elements = bytes.bindMemory(to: UInt32.self)
    for (place, level) in zip(elements.indices, levels) { elements[place] = UInt32(truncatingIfNeeded: extent(level)) }
  }
}
