import Kernels

/// The features of one level of some frames: positions x C values for each frame. It does not own the memory.
struct LevelFeatures {
  let grid: Grid
  let frames: [UnsafePointer<Float>]
  /// How many frames, from the first on, are different pictures. The others are the same in the same order, turned.
  let pictureCount: Int

  init(grid: Grid, frames: [UnsafePointer<Float>], pictureCount: Int? = nil) {
    self.grid = grid
    self.frames = frames
    self.pictureCount = pictureCount ?? frames.count
  }

  /// The fold, of `count`, that a frame is in for cross-validation. Neighbours, which are often alike, are in different
  /// folds; a picture and its turned copy are in the same one.
  func fold(of frame: Int, count: Int) -> Int { frame % pictureCount % count }

  /// The frames in a fold, of `count`, and all others.
  func split(fold: Int, of count: Int) -> (held: [Int], fitted: [Int]) {
    (
      held: frames.indices.filter { self.fold(of: $0, count: count) == fold },
      fitted: frames.indices.filter { self.fold(of: $0, count: count) != fold }
    )
  }

  /// The features of the pictures without turned ones.
  var pictures: LevelFeatures { subset(Array(0..<pictureCount)) }

  /// The features of some of the frames.
  func subset(_ indices: [Int]) -> LevelFeatures {
    LevelFeatures(grid: grid, frames: indices.map { frames[$0] })
  }

  /// Writes the fibers at a position, less a mean, as rows in double precision.
  func centre(position: Int, mean: UnsafePointer<Double>, into rows: UnsafeMutablePointer<Double>) {
    let channels = grid.channels
    for (row, frame) in frames.enumerated() {
      let fiber = frame + position &* channels
      let target = rows + row &* channels
      for i in 0..<channels { target[i] = Double(fiber[i]) - mean[i] }
    }
  }
}
