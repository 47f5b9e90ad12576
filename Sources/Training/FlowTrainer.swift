import Basics
import Execution
import Flows
import Layers

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
/// Memory, in floats: 3 per trainable number (the number and Adam's two moments); the rotations, K C^2; and per fiber
/// of the group K (C + H + 3 n2) for the activations that the backward pass needs and 4 C + 2 H + 4 n2 of scratch, H =
/// 2 (n1 + P). A step allocates nothing of such a size.
///
/// Threads share the columns of each result, and in the end the rows of weights. Each product packs its weights just
/// before use, and Adam uses each gradient where it was computed, still in a core's cache. No number depends on how
/// many threads there are.
package final class FlowTrainer {
  package let channels: Int
  package let description: FlowDescription
  /// Largest group that ``step(fibers:conditions:count:learningRate:)`` takes.
  package let groupCapacity: Int
  /// Steps made so far.
  package internal(set) var stepCount = 0
  /// Mean log p / C of the last group, before its step.
  package internal(set) var meanLogLikelihood = 0.0

  let layout: BlockLayout
  var shape: BlockShape { layout.shape }
  let mixings: [Mixing]
  /// K rows of `layout.count` trainable numbers.
  let parameters: FloatBuffer
  let adam: Adam
  let activations: [Activations]
  let scratch: Scratch
  let workers: Workers
  /// Largest number of rows of a table of conditions.
  let placeCapacity: Int

  /// A group of fibers, as ``step(fibers:conditions:count:learningRate:)`` takes it.
  struct Group {
    let fibers: UnsafePointer<Float>
    let conditions: Conditions?
    let count: Int
    /// ln |det| of what each fiber went through before the first block; nil for nothing.
    let logDeterminants: UnsafePointer<Float>?
  }

  /// What a block's backward pass needs from its forward pass, `groupCapacity` rows each.
  final class Activations {
    /// x, C wide.
    let x: FloatBuffer
    /// relu(W1 [x1, c] + b1), H wide, as ``PackedMatrix``: what the gradient by W2 needs.
    let hidden: FloatBuffer
    /// tanh of s or of s / alpha, n2 wide.
    let tanh: FloatBuffer
    /// e^j, n2 wide.
    let exponential: FloatBuffer
    /// x2 e^j + t, n2 wide.
    let coupled: FloatBuffer
    /// g, one row of C.
    let gain: FloatBuffer

    init(_ shape: BlockShape, rows: Int) throws(Failure) {
      x = try FloatBuffer(count: rows * shape.channels)
      hidden = try FloatBuffer(count: PackedMatrix.count(rows: rows, columns: shape.hidden))
      tanh = try FloatBuffer(count: rows * shape.x2Count)
      exponential = try FloatBuffer(count: rows * shape.x2Count)
      coupled = try FloatBuffer(count: rows * shape.x2Count)
      gain = try FloatBuffer(count: shape.channels)
    }
  }

  /// - Parameters:
  ///   - channels: C, 2...65536.
  ///   - weights: FrEIA's keys and shapes; other keys are ignored. Fails with `.format` as ``BlockParameters`` does.
  ///   - groupCapacity: largest group, 1...65536.
  ///   - placeCapacity: the largest number of rows of a table of ``Conditions``.
  package init(
    channels: Int, description: FlowDescription, weights: StateDictionary, groupCapacity: Int, placeCapacity: Int,
    workers: Workers
  ) throws(Failure) {
    guard (1...65536).contains(groupCapacity) else {
      throw Failure(.invalidArgument, "groups of \(groupCapacity) fibers are not within 1...65536")
    }
    layout = try BlockLayout(channels: channels, conditions: description.conditionChannels)
    self.channels = channels
    self.description = description
    self.groupCapacity = groupCapacity
    self.workers = workers
    self.placeCapacity = max(placeCapacity, 1)
    parameters = try FloatBuffer(count: description.blockCount * layout.count)
    adam = try Adam(count: description.blockCount * layout.count)
    scratch = try Scratch(layout, rows: groupCapacity, places: self.placeCapacity, workers: workers.count)
    var mixings: [Mixing] = []
    var activations: [Activations] = []
    for block in 0..<description.blockCount {
      let start = try BlockParameters(weights, block: block, channels: channels, description: description)
      layout.store(start, into: parameters.base + block * layout.count)
      mixings.append(start.mixing)
      activations.append(try Activations(layout.shape, rows: groupCapacity))
    }
    self.mixings = mixings
    self.activations = activations
  }

  /// One step of Adam on a group of fibers.
  ///
  /// - Parameters:
  ///   - fibers: `count` rows of C values.
  ///   - conditions: of `count` fibers; nil for an unconditional flow.
  ///   - count: 1...`groupCapacity`.
  ///   - learningRate: finite, not negative.
  ///   - logDeterminants: ln |det| of what each fiber went through before; nil for nothing.
  /// - Returns: the mean loss before the step.
  /// - Throws: `.diverged`, naming the first block that gave a value that is not finite; the weights are then unchanged.
  package func step(
    fibers: UnsafePointer<Float>, conditions: Conditions?, count: Int, learningRate: Float,
    logDeterminants: UnsafePointer<Float>? = nil
  ) throws(Failure) -> Float {
    let group = try checkedGroup(fibers, conditions, count, logDeterminants)
    let loss = forward(group)
    guard loss.isFinite else { throw divergence(count: count) }
    stepCount += 1
    let rate = adam.rate(learningRate, step: stepCount)
    backward(group) { first, gradient, count in
      adam.update(parameters.base + first, gradient: gradient, from: first, count: count, rate: rate)
    }
    return loss
  }

  /// The mean log p / C of a group; changes nothing. Takes the parameters of a step.
  package func evaluate(
    fibers: UnsafePointer<Float>, conditions: Conditions?, count: Int, logDeterminants: UnsafePointer<Float>? = nil
  ) throws(Failure) -> Double {
    let loss = forward(try checkedGroup(fibers, conditions, count, logDeterminants))
    guard loss.isFinite else { throw divergence(count: count) }
    return meanLogLikelihood
  }

  private func checkedGroup(
    _ fibers: UnsafePointer<Float>, _ conditions: Conditions?, _ count: Int, _ logDeterminants: UnsafePointer<Float>?
  ) throws(Failure) -> Group {
    guard (1...groupCapacity).contains(count) else {
      throw Failure(.invalidArgument, "a group of \(count) fibers is not within 1...\(groupCapacity)")
    }
    guard (conditions == nil) == (shape.conditionChannels == 0) else {
      throw Failure(
        .invalidArgument, "a flow with \(shape.conditionChannels) condition channels was given other conditions")
    }
    guard max(conditions?.axes.0.length ?? 0, conditions?.axes.1.length ?? 0) <= placeCapacity else {
      throw Failure(.invalidArgument, "the conditions are of more than \(placeCapacity) places")
    }
    return Group(fibers: fibers, conditions: conditions, count: count, logDeterminants: logDeterminants)
  }

  /// A failure that says where the last forward pass first met a value that is not finite.
  private func divergence(count: Int) -> Failure {
    let sick = activations.firstIndex { !allFinite($0.x.base, count: count &* channels) } ?? activations.count
    let place = sick == 0 ? "the features" : "coupling block \(sick - 1)"
    return Failure(.diverged, "\(place) gave a value that is not finite in step \(stepCount + 1)")
  }

  /// The weights as they are now, under FrEIA's keys, with `w_perm`.
  ///
  /// Fails with `.diverged` when one is not finite, which the last step must have caused.
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
          try checkMemory(for: values.count, of: Float.self)
          weights[BlockLayout.key(block, entry.name)] = try Tensor(shape: entry.shape, values: Array(values))
        }
        weights[BlockLayout.key(block, "w_perm")] = try mixing.tensor(channels: channels)
      }
      return weights
    }
  }
}
