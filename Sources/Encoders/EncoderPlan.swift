import Basics
import Kernels

/// An encoder at one input size: the grid of every value, each layer's geometry, and where in one arena every value
/// lies. Two values share memory when one is no longer read as the other is written.
struct EncoderPlan {
  /// The grid of every value; 0 is the input.
  private(set) var grids: [Grid]
  private(set) var steps: [any Step] = []
  /// Where each value begins in the arena, in floats. The input lies outside: it is the caller's.
  private(set) var offsets: [Int] = []
  private(set) var arenaCount = 0

  init(_ encoder: Encoder, height: Int, width: Int) throws(Failure) {
    grids = [Grid(height: height, width: width, channels: 3)]
    for layer in encoder.layers {
      let step = try layer.operation.step(grids[layer.input], second: layer.second.map { grids[$0] })
      steps.append(step)
      grids.append(step.output)
    }
    place(encoder)
  }

  /// Bytes of all steps' tables.
  var tableBytes: Int { steps.reduce(0) { $0 + $1.tableBytes } }

  /// Floats of scratch memory that the layers share.
  func scratchCount(workers: Int) -> Int { steps.reduce(0) { max($0, $1.scratchCount(workers: workers)) } }
}

extension EncoderPlan {
  /// Gives every value the lowest place that no value still needed occupies.
  private mutating func place(_ encoder: Encoder) {
    // The layer that reads a value last; a level is read after all layers.
    var lastUse = Array(repeating: 0, count: grids.count)
    for (index, layer) in encoder.layers.enumerated() {
      lastUse[layer.input] = index
      if let second = layer.second { lastUse[second] = index }
    }
    for level in encoder.levels { lastUse[level] = encoder.layers.count }

    offsets = Array(repeating: 0, count: grids.count)
    var occupied: [(range: Range<Int>, lastUse: Int)] = []
    for index in encoder.layers.indices {
      let value = index + 1
      occupied.removeAll { $0.lastUse < index }
      var offset = 0
      let count = (grids[value].count + 15) / 16 * 16
      for (range, _) in occupied.sorted(by: { $0.range.lowerBound < $1.range.lowerBound }) {
        if range.lowerBound >= offset + count { break }
        offset = max(offset, range.upperBound)
      }
      offsets[value] = offset
      occupied.append((offset..<offset + count, lastUse[value]))
      arenaCount = max(arenaCount, offset + count)
    }
  }
}
