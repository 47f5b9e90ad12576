import Basics
import Execution
import Flows
import Foundation
import Kernels
import OpenBLAS
import Support
import Testing

@testable import Training

/// Tests that use LAPACK, one after the other: the number of OpenBLAS's threads, which one of them changes, is the process's,
/// and bits depend on it.
@Suite(.serialized) enum LAPACKTests {}

extension LAPACKTests {
  /// The closed form against its definition, written down in double precision.
  @Suite struct GaussianFitTests {
    static let grid = Grid(height: 2, width: 3, channels: 5)

    /// Frames of correlated fibers whose means and covariances differ from position to position.
    final class Frames {
      let grid: Grid
      let values: [FloatBuffer]

      init(_ count: Int, grid: Grid = GaussianFitTests.grid, constantChannel: Bool = false) throws {
        self.grid = grid
        values = try (0..<count).map { frame in
          let unit = Generated.unit("fit/\(frame)", count: grid.count)
          let buffer = try FloatBuffer(count: grid.count)
          for position in 0..<grid.positions {
            for channel in 0..<grid.channels {
              let own = unit[position * grid.channels + channel]
              let shared = unit[position * grid.channels]
              buffer.base[position * grid.channels + channel] =
                constantChannel && channel == 1
                ? 2
                : Float(Double(channel) + Double(position) / 2 + own * Double(1 + channel) + shared * Double(position))
            }
          }
          return buffer
        }
      }

      var features: LevelFeatures { LevelFeatures(grid: grid, frames: values.map { UnsafePointer($0.base) }) }

      func fiber(_ frame: Int, _ position: Int) -> [Double] {
        (0..<grid.channels).map { Double(values[frame].base[position * grid.channels + $0]) }
      }
    }

    /// log N(x; m_p, S_p) / C with S_p = (1 - a) cov_p + a S, by Gaussian elimination.
    private func logDensity(
      _ frames: Frames, of fiber: [Double], position: Int, shrinkage: Double
    ) -> Double {
      let (channels, count) = (frames.grid.channels, frames.values.count)
      func covariance(_ p: Int) -> (mean: [Double], matrix: [[Double]]) {
        let fibers = (0..<count).map { frames.fiber($0, p) }
        let mean = (0..<channels).map { i in fibers.reduce(0) { $0 + $1[i] } / Double(count) }
        let matrix = (0..<channels).map { i in
          (0..<channels).map { j in fibers.reduce(0) { $0 + ($1[i] - mean[i]) * ($1[j] - mean[j]) } / Double(count) }
        }
        return (mean, matrix)
      }
      var pooled = [[Double]](repeating: [Double](repeating: 0, count: channels), count: channels)
      for p in 0..<frames.grid.positions {
        let matrix = covariance(p).matrix
        for i in 0..<channels { for j in 0..<channels { pooled[i][j] += matrix[i][j] / Double(frames.grid.positions) } }
      }
      let ridge = 0.01 * (0..<channels).reduce(0) { $0 + pooled[$1][$1] } / Double(channels)
      for i in 0..<channels { pooled[i][i] += ridge }
      let (mean, own) = covariance(position)
      var matrix = own
      for i in 0..<channels {
        for j in 0..<channels { matrix[i][j] = (1 - shrinkage) * own[i][j] + shrinkage * pooled[i][j] }
      }
      let d = (0..<channels).map { fiber[$0] - mean[$0] }
      var solution = d
      var logDeterminant = 0.0
      for i in 0..<channels {
        logDeterminant += log(matrix[i][i])
        for row in i + 1..<max(channels, i + 1) {
          let factor = matrix[row][i] / matrix[i][i]
          for column in i..<channels { matrix[row][column] -= factor * matrix[i][column] }
          solution[row] -= factor * solution[i]
        }
      }
      var square = 0.0
      for i in 0..<channels { square += solution[i] * solution[i] / matrix[i][i] }
      return (-0.5 * square - 0.5 * logDeterminant) / Double(channels) - 0.5 * log(2 * Double.pi)
    }

    /// The layer's own log-density, through the transform that is written down.
    private func layerDensity(_ parameters: GaussianParameters, _ grid: Grid, _ fiber: [Double], _ position: Int) throws
      -> Double
    {
      var weights = StateDictionary()
      try parameters.store(in: &weights)
      let transform = try FlowTransform(
        grid: grid, description: FlowDescription(start: .gaussian, blockCount: 0, conditionChannels: 0),
        weights: weights)
      return try transform.logLikelihood(fiber, condition: [], position: position)
    }

    @Test(arguments: [3, 4, 40], [0.05, 0.3, 1])
    func theDensityIsTheDefinitions(count: Int, shrinkage: Double) throws {
      let frames = try Frames(count)
      let parameters = try LAPACK.use(threads: 3) { () throws(Failure) in
        try GaussianFit(frames.features, hasPositionMeans: true, workers: Workers(count: 2))
          .parameters(rank: shrinkage == 1 ? 0 : 5, shrinkage: shrinkage)
      }
      let strange = (0..<5).map { Double($0 * $0) - 1 }
      for position in 0..<Self.grid.positions {
        for fiber in [frames.fiber(0, position), strange] {
          let expected = logDensity(frames, of: fiber, position: position, shrinkage: shrinkage)
          let value = try layerDensity(parameters, Self.grid, fiber, position)
          // Triangles are rounded to 16 bits, by up to 2^-15 of a row's largest number.
          expectClose(value, expected, within: 0x1p-14 * max(1, abs(expected)), "position \(position)")
        }
      }
    }

    @Test func oneFrameAndConstantChannelsGiveADensity() throws {
      for (count, hasPositionMeans) in [(1, false), (2, true), (6, true)] {
        let frames = try Frames(count, constantChannel: true)
        let parameters = try LAPACK.use(threads: 3) { () throws(Failure) in
          try GaussianFit(frames.features, hasPositionMeans: hasPositionMeans, workers: Workers(count: 1))
            .parameters(rank: count > 2 ? 5 : 0, shrinkage: 0.5)
        }
        #expect(try layerDensity(parameters, Self.grid, frames.fiber(0, 1), 1).isFinite, "\(count) frames")
      }
      // Frames without any variation.
      let still = try Frames(3)
      for frame in still.values { frame.base.update(repeating: 1, count: Self.grid.count) }
      let forms = try LAPACK.use(threads: 3) { () throws(Failure) in
        try GaussianSelection.forms([still.features], byteCount: 1 << 20, workers: Workers(count: 1))
      }
      #expect(forms.count == 1)
    }

    @Test func oneFrameHasOneMeanAndOneCovariance() throws {
      let frame = try Frames(1)
      let forms = try LAPACK.use(threads: 3) { () throws(Failure) in
        try GaussianSelection.forms([frame.features], byteCount: 1 << 20, workers: Workers(count: 1))
      }
      #expect(forms.first?.hasPositionMeans == false)
      #expect(forms.first?.rank == 0)
    }

    @Test func positionsThatDifferHaveCovariancesOfTheirOwnWithinTheMemory() throws {
      let frames = try Frames(60)
      func forms(_ byteCount: Int) throws -> [GaussianSelection.Form] {
        try LAPACK.use(threads: 3) { () throws(Failure) in
          try GaussianSelection.forms(
            [frames.features, frames.features], byteCount: byteCount, workers: Workers(count: 2))
        }
      }
      let rich = try forms(1 << 20)
      #expect(rich.allSatisfy { $0.hasPositionMeans && $0.rank > 0 && $0.heldBack.isFinite })
      // Two levels of 6 positions with triangles of up to 15 numbers of 2 bytes.
      let poor = try forms(2 * 6 * 3 * 2)
      #expect(poor.reduce(0) { $0 + 6 * 2 * $1.rank * ($1.rank + 1) / 2 } <= 2 * 6 * 3 * 2)
      #expect(try forms(0).allSatisfy { $0.rank == 0 })
    }

    @Test func numbersDoNotDependOnThreads() throws {
      let library = try #require(dlopen("libopenblas.so.0", RTLD_NOW))
      let threadCount = unsafeBitCast(
        try #require(dlsym(library, "openblas_get_num_threads")), to: (@convention(c) () -> Int32).self)
      let setThreadCount = unsafeBitCast(
        try #require(dlsym(library, "openblas_set_num_threads")), to: (@convention(c) (Int32) -> Void).self)
      let before = threadCount()
      defer { setThreadCount(before) }
      let frames = try Frames(9, grid: Grid(height: 3, width: 3, channels: 72))
      var results: [(mean: [Float], basis: [Float], factors: [Float])] = []
      for (ofLAPACK, ours) in [(1, 1), (2, 2), (5, 3)] {
        setThreadCount(Int32(ofLAPACK))
        let parameters = try LAPACK.use(threads: 3) { () throws(Failure) in
          try GaussianFit(frames.features, hasPositionMeans: true, workers: Workers(count: ours))
            .parameters(rank: 72, shrinkage: 0.3)
        }
        #expect(threadCount() == ofLAPACK, "the number of threads is what it was")
        results.append((Array(parameters.mean.values), Array(parameters.basis.values), parameters.factors))
      }
      for other in results.dropFirst() { #expect(other == results[0]) }
    }

    @Test func foldedFibersAreWhiterThanFittedOnes() throws {
      let frames = try Frames(24)
      try LAPACK.use(threads: 3) { () throws(Failure) in
        let form = GaussianSelection.Form(hasPositionMeans: true, rank: 5, likeliestShrinkage: 0.3, heldBack: 0)
        let workers = try Workers(count: 2)
        let folded = try FoldedFibers(frames.features, form: form, workers: workers)
        #expect(folded.trainingFrames.count == 20)
        #expect(folded.judgingFrames == [5, 11, 17, 23])
        let fitted = try GaussianFit(frames.features, hasPositionMeans: true, workers: workers)
          .parameters(rank: 5, shrinkage: 0.1)
        var (own, held) = (0.0, 0.0)
        for frame in 0..<24 {
          for position in 0..<Self.grid.positions {
            held += folded.logDensity(FoldedFibers.Place(frame: frame, position: position))
            own += try density(fitted, frames.fiber(frame, position), position)
          }
        }
        // What a Gaussian was fitted to is likelier to it than what it has not met.
        #expect(own > held)
      }
    }

    private func density(_ parameters: GaussianParameters, _ fiber: [Double], _ position: Int) throws(Failure) -> Double
    {
      do { return try layerDensity(parameters, Self.grid, fiber, position) } catch {
        throw Failure(.diverged, "\(error)")
      }
    }
  }
}
