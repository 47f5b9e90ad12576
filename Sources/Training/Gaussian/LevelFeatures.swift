import Kernels

/// The features of a level of some frames: for each frame its positions x C fibers, which somebody else keeps alive.
struct LevelFeatures {
  let grid: Grid
  let frames: [UnsafePointer<Float>]
  /// Frames that are different pictures: the first ones, which the others repeat in the same order, turned.
  let pictureCount: Int

  init(grid: Grid, frames: [UnsafePointer<Float>], pictureCount: Int? = nil) {
    self.grid = grid
    self.frames = frames
    self.pictureCount = pictureCount ?? frames.count
  }

  /// The fold of so many that a frame is in, for cross-validation. Neighbours, which are often alike, are in different ones,
  /// and a picture is in the same one as its turned copy.
  func fold(of frame: Int, count: Int) -> Int { frame % pictureCount % count }

  /// The frames in a fold of so many, and all others.
  func split(fold: Int, of count: Int) -> (held: [Int], fitted: [Int]) {
    (
      held: frames.indices.filter { self.fold(of: $0, count: count) == fold },
      fitted: frames.indices.filter { self.fold(of: $0, count: count) != fold }
    )
  }

  /// The same of the pictures alone.
  var pictures: LevelFeatures { subset(Array(0..<pictureCount)) }

  /// The same of some of the frames.
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
