import Basics
import Flows
import Glibc
import Kernels
import OpenBLAS

/// Trains one conditional normalizing flow, the decoder of one feature level, in steps of Adam on groups of fibers.
///
/// K coupling blocks (FrEIA AllInOneBlock). For a fiber x = [x1, x2] and its condition c:
/// ```
/// [s, t] = 0.1 (W2 relu(W1 [x1, c] + b1) + b2)      j = alpha tanh(s) or alpha tanh(s / alpha)
/// u = [x1, x2 e^j + t]     v = u g + offset, g = 0.1 softplus(scale)     y = W v, the next block's x
/// log p = -C / 2 ln(2 pi) - |z|^2 / 2 + sum over blocks of (sum j + sum ln g)
/// ```
/// The loss is the mean over the group of -ln sigmoid(log p / C). The last block's W is left out of both passes: a
/// rotation does not change |z|.
///
/// Memory, in floats: 3 per trainable number (the number and Adam's two moments) and 1 more per number of one block; the
/// rotations, K C^2; and per fiber of the group K (C + H + 3 n2) for the activations that the backward pass needs and
/// 3 C + H + 2 n2 of scratch, H = 2 (n1 + P). With P = 128, K = 8 and groups of 256: 19 MiB for C = 128, 93 MiB for C = 512,
/// 0.9 GiB for C = 2048. Nothing is allocated by a step.
package final class FlowTrainer {
  package let channels: Int
  package let description: FlowDescription
  /// Largest group that ``step(fibers:conditions:count:learningRate:)`` takes.
  package let groupCapacity: Int
  /// Steps made so far.
  package internal(set) var stepCount = 0

  let layout: BlockLayout
  let mixings: [Mixing]
  /// K rows of `layout.count` trainable numbers.
  let parameters: FloatBuffer
  /// The gradient of one block.
  let gradient: FloatBuffer
  let adam: Adam
  let activations: [Activations]
  let scratch: Scratch

  /// What a block's backward pass needs of its forward pass, `groupCapacity` rows each.
  final class Activations {
    /// x, C wide.
    let x: FloatBuffer
    /// relu(W1 [x1, c] + b1), H wide.
    let hidden: FloatBuffer
    /// tanh of s or of s / alpha, n2 wide.
    let tanh: FloatBuffer
    /// e^j, n2 wide.
    let exponential: FloatBuffer
    /// x2 e^j + t, n2 wide.
    let coupled: FloatBuffer
    /// g, one row of C.
    let gain: FloatBuffer

    init(_ layout: BlockLayout, rows: Int) throws(Failure) {
      x = try FloatBuffer(count: rows * layout.channels)
      hidden = try FloatBuffer(count: rows * layout.hidden)
      tanh = try FloatBuffer(count: rows * layout.active)
      exponential = try FloatBuffer(count: rows * layout.active)
      coupled = try FloatBuffer(count: rows * layout.active)
      gain = try FloatBuffer(count: layout.channels)
    }
  }

  /// What no pass keeps, `groupCapacity` rows each.
  final class Scratch {
    /// v, C wide; after the forward pass that of the last block.
    let affine: FloatBuffer
    /// The gradient by y, then by x; C wide.
    let outer: FloatBuffer
    /// The gradient by v, then by u; C wide.
    let inner: FloatBuffer
    /// The gradient by the hidden units, H wide.
    let hidden: FloatBuffer
    /// The gradients by the subnet's outputs for s and for t, n2 wide.
    let scale: FloatBuffer
    let shift: FloatBuffer
    /// log p without its constant, then the loss's gradient by log p; 1 wide.
    let likelihood: FloatBuffer

    init(_ layout: BlockLayout, rows: Int) throws(Failure) {
      affine = try FloatBuffer(count: rows * layout.channels)
      outer = try FloatBuffer(count: rows * layout.channels)
      inner = try FloatBuffer(count: rows * layout.channels)
      hidden = try FloatBuffer(count: rows * layout.hidden)
      scale = try FloatBuffer(count: rows * layout.active)
      shift = try FloatBuffer(count: rows * layout.active)
      likelihood = try FloatBuffer(count: rows)
    }
  }

  /// - Parameters:
  ///   - channels: C, 2...65536.
  ///   - weights: FrEIA's keys and shapes; other keys are ignored. Fails with `.format` as ``BlockParameters`` does.
  ///   - groupCapacity: largest group, 1...65536.
  package init(channels: Int, description: FlowDescription, weights: StateDictionary, groupCapacity: Int)
    throws(Failure)
  {
    guard (1...65536).contains(groupCapacity) else {
      throw Failure(.invalidArgument, "groups of \(groupCapacity) fibers are not within 1...65536")
    }
    try BLAS.load()
    layout = try BlockLayout(channels: channels, conditions: description.conditionChannels)
    self.channels = channels
    self.description = description
    self.groupCapacity = groupCapacity
    parameters = try FloatBuffer(count: description.blockCount * layout.count)
    gradient = try FloatBuffer(count: layout.count)
    adam = try Adam(count: description.blockCount * layout.count)
    scratch = try Scratch(layout, rows: groupCapacity)
    var mixings: [Mixing] = []
    var activations: [Activations] = []
    for block in 0..<description.blockCount {
      let start = try BlockParameters(weights, block: block, channels: channels, description: description)
      layout.store(start, into: parameters.base + block * layout.count)
      mixings.append(try Mixing(start.mixing))
      activations.append(try Activations(layout, rows: groupCapacity))
    }
    self.mixings = mixings
    self.activations = activations
  }

  /// One step of Adam on a group of fibers.
  ///
  /// - Parameters:
  ///   - fibers: `count` rows of C values.
  ///   - conditions: `count` rows of P values; nil for an unconditional flow.
  ///   - count: 1...`groupCapacity`.
  ///   - learningRate: finite, not negative.
  /// - Returns: the mean loss before the step.
  /// - Throws: `.diverged`, naming the first block that gave a value that is not finite; the weights are then unchanged.
  package func step(
    fibers: UnsafePointer<Float>, conditions: UnsafePointer<Float>?, count: Int, learningRate: Float
  ) throws(Failure) -> Float {
    guard (1...groupCapacity).contains(count) else {
      throw Failure(.invalidArgument, "a group of \(count) fibers is not within 1...\(groupCapacity)")
    }
    guard (conditions == nil) == (layout.conditions == 0) else {
      throw Failure(.invalidArgument, "a flow with \(layout.conditions) condition channels was given other conditions")
    }
    let loss = forward(fibers: fibers, conditions: conditions, count: count)
    guard loss.isFinite else { throw divergence(count: count) }
    stepCount += 1
    let rate = adam.rate(learningRate, step: stepCount)
    backward(conditions: conditions, count: count) { block in
      adam.update(
        parameters.base + block &* layout.count, gradient: gradient.base, from: block &* layout.count,
        count: layout.count, rate: rate)
    }
    return loss
  }

  /// Says where the last forward pass first met a value that is not finite.
  private func divergence(count: Int) -> Failure {
    let sick = activations.firstIndex { !allFinite($0.x.base, count: count &* channels) } ?? activations.count
    let place = sick == 0 ? "the features" : "coupling block \(sick - 1)"
    return Failure(.diverged, "\(place) gave a value that is not finite in step \(stepCount + 1)")
  }

  /// The weights as they are now, under FrEIA's keys, with `w_perm`.
  ///
  /// Fails with `.diverged` when one is not finite: the last step was the one that went wrong.
  package var weights: StateDictionary {
    get throws(Failure) {
      guard allFinite(parameters.base, count: parameters.count) else {
        throw Failure(.diverged, "a weight is not finite after step \(stepCount)")
      }
      var weights = StateDictionary()
      for (block, mixing) in mixings.enumerated() {
        for entry in layout.entries {
          let start = parameters.base + (block * layout.count + entry.offset)
          let values = UnsafeBufferPointer(start: start, count: entry.shape.reduce(1, *))
          weights[BlockLayout.key(block, entry.name)] = try Tensor(shape: entry.shape, values: Array(values))
        }
        weights[BlockLayout.key(block, "w_perm")] = try mixing.tensor(channels: channels)
      }
      return weights
    }
  }
}
