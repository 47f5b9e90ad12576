import Kernels

/// The features of a level of some frames: for each frame its positions x C fibers, which somebody else keeps alive.
struct LevelFeatures {
  let grid: Grid
  let frames: [UnsafePointer<Float>]

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
