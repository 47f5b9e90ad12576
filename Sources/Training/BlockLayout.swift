import Basics
import Flows

/// Sizes of a coupling block (FrEIA AllInOneBlock) and where its trainable numbers lie, one tensor after the other.
struct BlockLayout {
  /// C.
  let channels: Int
  /// P.
  let conditions: Int
  /// n1 = C - C / 2: the channels that pass unchanged and, with the condition, decide how the others change.
  let passive: Int
  /// n2 = C / 2: the channels that are scaled and shifted.
  let active: Int
  /// D = n1 + P, the inputs of the subnet's first layer.
  let inputs: Int
  /// H = 2 D, the subnet's hidden units.
  let hidden: Int

  /// Offsets in floats from the block's first.
  let weight1: Int
  let bias1: Int
  let weight2: Int
  let bias2: Int
  let scale: Int
  let offset: Int
  /// Trainable numbers of the block.
  let count: Int

  static let channelRange = 2...65536

  init(channels: Int, conditions: Int) throws(Failure) {
    guard Self.channelRange.contains(channels) else {
      throw Failure(.invalidArgument, "a flow of \(channels) channels is not within \(Self.channelRange)")
    }
    self.channels = channels
    self.conditions = conditions
    let shape = BlockShape(channels: channels, conditionChannels: conditions)
    passive = shape.first
    active = shape.second
    inputs = shape.subnetInputs
    hidden = shape.hidden
    weight1 = 0
    bias1 = weight1 + hidden * inputs
    weight2 = bias1 + hidden
    bias2 = weight2 + 2 * active * hidden
    scale = bias2 + 2 * active
    offset = scale + channels
    count = offset + channels
  }

  /// A trainable tensor of a block: its key behind `module_list.{k}.`, its shape and its offset.
  struct Entry {
    let name: String
    let shape: [Int]
    let offset: Int
  }

  var entries: [Entry] {
    [
      Entry(name: "subnet.0.weight", shape: [hidden, inputs], offset: weight1),
      Entry(name: "subnet.0.bias", shape: [hidden], offset: bias1),
      Entry(name: "subnet.2.weight", shape: [2 * active, hidden], offset: weight2),
      Entry(name: "subnet.2.bias", shape: [2 * active], offset: bias2),
      Entry(name: "global_scale", shape: [1, channels], offset: scale),
      Entry(name: "global_offset", shape: [1, channels], offset: offset),
    ]
  }

  /// Copies a block's trainable numbers to the `count` floats at `target`.
  func store(_ parameters: BlockParameters, into target: UnsafeMutablePointer<Float>) {
    let parts = [
      (weight1, parameters.firstWeight), (bias1, parameters.firstBias), (weight2, parameters.secondWeight),
      (bias2, parameters.secondBias), (scale, parameters.globalScale), (offset, parameters.globalOffset),
    ]
    for (start, values) in parts {
      for (i, value) in values.enumerated() { target[start + i] = value }
    }
  }

  static func key(_ block: Int, _ name: String) -> String { "module_list.\(block).\(name)" }
}
