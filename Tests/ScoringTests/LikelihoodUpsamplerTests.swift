import Basics
import Execution
import Foundation
import Imaging
import Kernels
import Layers
import Support
import Testing

@testable import Scoring

/// The sum of the levels' likelihoods, against what it is in double precision.
@Suite struct LikelihoodUpsamplerTests {
  private let width = 20
  private let height = 37
  private let pitch = 23
  private let grids = [(7, 5), (4, 3), (1, 2)].map { Grid(height: $0, width: $1, channels: 1) }
  private let maxima = [0.5, -1, 2]

  /// The two neighbours of a place on a grid whose corners fall on the map's, with their weights.
  private func neighbours(_ place: Int, of length: Int, on grid: Int) -> [(index: Int, weight: Double)] {
    let position = Double(place) * Double(grid - 1) / Double(length - 1)
    let first = min(Int(position), max(grid - 2, 0))
    return [(first, 1 - (position - Double(first))), (first + 1, position - Double(first))].filter { $0.1 > 1e-9 }
  }

  /// The places of a level that one of the map is made of.
  private func neighbours(x: Int, y: Int, on grid: Grid) -> [(index: Int, weight: Double)] {
    neighbours(y, of: height, on: grid.height).flatMap { row in
      neighbours(x, of: width, on: grid.width).map { (row.index * grid.width + $0.index, row.weight * $0.weight) }
    }
  }

  private func upsampler(_ arithmetic: Arithmetic) throws -> LikelihoodUpsampler {
    try LikelihoodUpsampler(width: width, height: height, levels: grids, smoothing: 0, arithmetic: arithmetic)
  }

  private func logLikelihoods() -> [Float] {
    Generated.unit("upsampled", count: grids.reduce(0) { $0 + $1.positions }).map { Float(3 * $0) }
  }

  @Test(arguments: [Arithmetic.fast, .exact]) func sumsAreBilinear(arithmetic: Arithmetic) throws {
    let upsampler = try upsampler(arithmetic)
    let values = logLikelihoods()
    let (columnWeights, rowWeights) = ((0..<width).map { 1 + Float($0) / 8 }, (0..<height).map { 2 - Float($0) / 64 })
    // What is there is added to, and what lies beside the map is left alone.
    var map = [Float](repeating: 1, count: height * pitch)
    // One call's memory is the next one's.
    for _ in 0..<2 {
      upsampler.add(
        logLikelihoods: values, levelMaxima: maxima, isUsed: nil, columnWeights: columnWeights, rowWeights: rowWeights,
        to: &map, pitch: pitch, try Workers(count: 2))
    }
    for y in 0..<height {
      for x in 0..<pitch {
        var (sum, start) = (0.0, 0)
        for (grid, maximum) in zip(grids, maxima) where x < width {
          for place in neighbours(x: x, y: y, on: grid) {
            sum += place.weight * exp(Double(values[start + place.index]) - maximum)
          }
          start += grid.positions
        }
        let weight = x < width ? Double(columnWeights[x]) * Double(rowWeights[y]) : 0
        let expected = 1 + 2 * weight * sum
        expectClose(Double(map[y * pitch + x]), expected, within: 2e-5 * expected, "\(x), \(y)")
      }
    }
  }

  /// Of a part of the map, the places of the levels with a weight in it; others may be as large as they like.
  @Test(arguments: [Arithmetic.fast, .exact], [false, true])
  func onlyWhatIsUsedMatters(arithmetic: Arithmetic, isCorner: Bool) throws {
    let upsampler = try upsampler(arithmetic)
    // The last place of all is the last of every level, and has nothing of the places before.
    let isInside = { (x: Int, y: Int) in
      isCorner ? x == 19 && y == 36 : x >= 12 && y >= 6 && y < 18 && (x + y) % 3 == 0
    }
    var used = [Bool](repeating: false, count: grids.reduce(0) { $0 + $1.positions })
    upsampler.markUsed(&used, where: isInside)
    var (expected, start) = ([Bool](repeating: false, count: used.count), 0)
    for grid in grids {
      for y in 0..<height {
        for x in 0..<width where isInside(x, y) {
          for place in neighbours(x: x, y: y, on: grid) { expected[start + place.index] = true }
        }
      }
      start += grid.positions
    }
    #expect(used == expected && used.contains(true) && used.contains(false))

    func map(_ values: [Float], _ isUsed: [Bool]?) throws -> [Float] {
      var map = [Float](repeating: 0, count: height * pitch)
      let ones = [Float](repeating: 1, count: max(width, height))
      upsampler.add(
        logLikelihoods: values, levelMaxima: maxima, isUsed: isUsed, columnWeights: ones, rowWeights: ones, to: &map,
        pitch: pitch, try Workers(count: 1))
      return map
    }
    var values = logLikelihoods()
    let whole = try map(values, nil)
    for (place, isUsed) in used.enumerated() where !isUsed { values[place] = 1000 }
    let part = try map(values, used)
    for y in 0..<height {
      for x in 0..<width {
        let place = y * pitch + x
        #expect(part[place].isFinite && (!isInside(x, y) || part[place] == whole[place]), "\(x), \(y)")
      }
    }
  }

  /// What is far too small for the map is 0, so that no product is subnormal.
  @Test func tinyLikelihoodsAreNone() throws {
    let upsampler = try upsampler(.fast)
    for (logarithm, isNone) in [(-46.1, true), (-46, false)] as [(Double, Bool)] {
      let values = grids.indices.flatMap { level in
        [Float](repeating: Float(maxima[level] + logarithm), count: grids[level].positions)
      }
      var map = [Float](repeating: 0, count: height * pitch)
      let ones = [Float](repeating: 1, count: max(width, height))
      upsampler.add(
        logLikelihoods: values, levelMaxima: maxima, isUsed: nil, columnWeights: ones, rowWeights: ones, to: &map,
        pitch: pitch, try Workers(count: 1))
      #expect((map[0] == 0) == isNone)
    }
  }
}
