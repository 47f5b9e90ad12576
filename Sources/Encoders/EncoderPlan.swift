import Basics
import Kernels

/// An encoder at one input size: the grid of every value, each layer's geometry, and where in one arena every value
/// lies. Two values share memory when one is no longer read as the other is written.
struct EncoderPlan {
  enum Step {
    case convolution(Convolution, Convolution.Plan)
    case depthwise(DepthwiseConvolution, DepthwiseConvolution.Plan)
    case maxPool(MaxPooling, MaxPooling.Plan)
    case add(count: Int)
  }

  /// The grid of every value; 0 is the input.
  private(set) var grids: [Grid]
  private(set) var steps: [Step] = []
  /// Where each value begins in the arena, in floats. The input lies outside: it is the caller's.
  private(set) var offsets: [Int] = []
  private(set) var arenaCount = 0
  private(set) var scratchCount = 0

  init(_ encoder: Encoder, height: Int, width: Int) throws(Failure) {
    grids = [Grid(height: height, width: width, channels: 3)]
    let padding = encoder.description.padding
    for layer in encoder.layers {
      let input = grids[layer.input]
      switch layer.operation {
      case .convolution(let convolution):
        let plan = try convolution.plan(
          input,
          rowBorder: Self.border(padding, length: input.height, kernel: convolution.kernel, stride: convolution.stride),
          columnBorder: Self.border(padding, length: input.width, kernel: convolution.kernel, stride: convolution.stride))
        steps.append(.convolution(convolution, plan))
        grids.append(plan.output)
        scratchCount = max(scratchCount, plan.scratchCount)
      case .depthwise(let convolution):
        let plan = try convolution.plan(
          input,
          rowBorder: Self.border(padding, length: input.height, kernel: convolution.kernel, stride: convolution.stride),
          columnBorder: Self.border(padding, length: input.width, kernel: convolution.kernel, stride: convolution.stride))
        steps.append(.depthwise(convolution, plan))
        grids.append(plan.output)
      case .maxPool(let pooling):
        let plan = try pooling.plan(input)
        steps.append(.maxPool(pooling, plan))
        grids.append(plan.output)
      case .add:
        steps.append(.add(count: input.count))
        grids.append(input)
      }
    }
    place(encoder)
  }

  private static func border(_ padding: Padding, length: Int, kernel: Int, stride: Int) -> Border {
    switch padding {
    case .reflect: kernel == 1 ? .zeros(before: 0, after: 0) : .reflect(margin: (kernel - 1) / 2)
    case .zeros: .zeros(before: (kernel - 1) / 2, after: (kernel - 1) / 2)
    case .same: .same(length: length, kernel: kernel, stride: stride)
    }
  }
}

extension EncoderPlan {
  /// Gives every value the lowest place that no value still needed occupies.
  private mutating func place(_ encoder: Encoder) {
    // The layer that reads a value last; a level is read after all layers.
    var lastUse = Array(repeating: 0, count: grids.count)
    for (index, layer) in encoder.layers.enumerated() {
      lastUse[layer.input] = index
      if let residual = layer.residual { lastUse[residual] = index }
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
