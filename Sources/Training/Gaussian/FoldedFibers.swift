import Basics
import Execution
import Kernels

/// The fibers of a level, where each frame is whitened by a Gaussian that was fitted without it (folds), so that they are as
/// white as a new frame's. They are in symmetric coordinates, which all folds share. Must be made within ``LAPACK/use(_:)``.
final class FoldedFibers {
  var grid: Grid { features.grid }
  /// The frames to train on, and those of the last fold, which judge.
  let trainingFrames: [Int]
  let judgingFrames: [Int]
  /// Frames x positions x C.
  private let fibers: FloatBuffer
  /// ln |det| of each fold's Gaussian, by position.
  private let logDeterminants: [FloatBuffer]

  private let features: LevelFeatures

  private static let largestFoldCount = 6

  /// A fiber's frame and position.
  struct Place {
    let frame: Int
    let position: Int
  }

  /// - Parameter features: features of at least three pictures.
  init(_ features: LevelFeatures, form: GaussianSelection.Form, workers: Workers) throws(Failure) {
    self.features = features
    let grid = features.grid
    let frameCount = features.frames.count
    let foldCount = min(Self.largestFoldCount, features.pictureCount)
    fibers = try FloatBuffer(count: frameCount * grid.count, isBrief: true)
    var logDeterminants: [FloatBuffer] = []
    for fold in 0..<foldCount {
      let (held, fitted) = features.split(fold: fold, of: foldCount)
      let fit = try GaussianFit(
        features.subset(fitted), hasPositionMeans: form.hasPositionMeans, workers: workers)
      let determinants = try FloatBuffer(count: grid.positions)
      try fit.transform(
        features.subset(held), rank: form.rank, shrinkage: form.shrinkage,
        into: held.map { [fibers] in fibers.base + $0 * grid.count }, logDeterminants: determinants.base)
      logDeterminants.append(determinants)
    }
    self.logDeterminants = logDeterminants
    (judgingFrames, trainingFrames) = features.split(fold: foldCount - 1, of: foldCount)
  }

  func fiber(_ place: Place) -> UnsafePointer<Float> {
    UnsafePointer(fibers.base + (place.frame * grid.count + place.position * grid.channels))
  }

  func logDeterminant(_ place: Place) -> Float {
    logDeterminants[features.fold(of: place.frame, count: logDeterminants.count)].base[place.position]
  }

  /// log p / C of a fiber by the Gaussian alone.
  func logDensity(_ place: Place) -> Double {
    normalLogDensity(fiber(place), count: grid.channels, logDeterminant: Double(logDeterminant(place)))
  }
}
