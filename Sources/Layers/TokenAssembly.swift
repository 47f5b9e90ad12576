import Basics
import Kernels

/// The first layer of a vision transformer: puts a class token before the patches, and adds position embeddings to all.
package struct TokenAssembly: Operation {
  package let channels: Int
  /// The class token with its position embedding.
  private let first: SharedFloats
  /// Position embeddings of `side` x `side` patches.
  private let positions: [Float]
  private let side: Int

  /// - Parameters:
  ///   - classToken: `channels` values: timm's `cls_token`.
  ///   - positions: (1 + `side`^2) x `channels`: timm's `pos_embed`, that of the class token first.
  package init(classToken: [Float], positions: [Float], side: Int) throws(Failure) {
    let channels = classToken.count
    guard let patches = checkedProduct([side, side, channels]), positions.count == patches + channels else {
      throw Failure(.format, "the position embeddings are not those of \(side)x\(side) patches")
    }
    self.channels = channels
    self.side = side
    self.first = try SharedFloats(zip(classToken, positions).map { $0 + $1 })
    self.positions = Array(positions[channels...])
  }

  /// The assembly for one grid of patches.
  package struct Plan: OperationPlan {
    /// A single row of tokens.
    package let output: Grid
    fileprivate let positions: SharedFloats
  }

  /// Interpolates position embeddings for another grid as timm does: bicubic with antialiasing.
  package func plan(_ input: Grid) throws(Failure) -> Plan {
    guard input.channels == channels else {
      throw Failure(.format, "patches of \(input.channels) channels do not fit tokens of \(channels)")
    }
    var positions = self.positions
    if input.height != side || input.width != side {
      let columns = CubicResampling(from: side, to: input.width)
      let rows = CubicResampling(from: side, to: input.height)
      positions = columns.apply(positions, lines: side, channels: channels)
      positions = rows.apply(positions, lines: 1, channels: input.width * channels)
    }
    return Plan(
      output: Grid(height: 1, width: input.positions + 1, channels: channels),
      positions: try SharedFloats(positions))
  }

  package func run(_ plan: Plan, _ memory: LayerMemory) {
    memory.output.update(from: first.base, count: channels)
    Kernels.selected.add(
      memory.input, plan.positions.base, count: plan.positions.count, into: memory.output + channels)
  }
}

/// Bicubic interpolation of one axis with a = -0.5, widened when it shrinks: PyTorch's `interpolate(mode: "bicubic",
/// antialias: True)`, which is Pillow's.
private struct CubicResampling {
  /// The first input of each output, and the weights from there on.
  private var windows: [(first: Int, weights: [Double])] = []
  private let inputLength: Int

  init(from inputLength: Int, to outputLength: Int) {
    self.inputLength = inputLength
    let scale = Double(inputLength) / Double(outputLength)
    let width = max(scale, 1)
    for output in 0..<outputLength {
      let center = scale * (Double(output) + 0.5)
      let first = max(Int(center - 2 * width + 0.5), 0)
      let end = min(Int(center + 2 * width + 0.5), inputLength)
      let weights = (first..<end).map { Self.cubic((Double($0) - center + 0.5) / width) }
      let sum = weights.reduce(0, +)
      windows.append((first, weights.map { $0 / sum }))
    }
  }

  private static func cubic(_ x: Double) -> Double {
    let t = abs(x)
    if t < 1 { return (1.5 * t - 2.5) * t * t + 1 }
    return t < 2 ? ((-0.5 * t + 2.5) * t - 4) * t + 2 : 0
  }

  /// Resamples the second axis of lines x length x channels.
  func apply(_ values: [Float], lines: Int, channels: Int) -> [Float] {
    var result: [Float] = []
    result.reserveCapacity(lines * windows.count * channels)
    for line in 0..<lines {
      for (first, weights) in windows {
        for channel in 0..<channels {
          var sum = 0.0
          for (i, weight) in weights.enumerated() {
            sum += weight * Double(values[(line * inputLength + first + i) * channels + channel])
          }
          result.append(Float(sum))
        }
      }
    }
    return result
  }
}
