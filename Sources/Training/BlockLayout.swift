import Basics
import Flows

/// Where the trainable numbers of a coupling block (FrEIA AllInOneBlock) lie, one tensor after the other.
struct BlockLayout {
  let shape: BlockShape

  /// The tensors' offsets in floats from the beginning of the block.
  let weight1: Int
  let bias1: Int
  let weight2: Int
  let bias2: Int
  let scale: Int
  let offset: Int
  /// The number of trainable numbers of the block.
  let count: Int

  static let channelRange = 2...65536

  init(channels: Int, conditions: Int) throws(Failure) {
    guard Self.channelRange.contains(channels) else {
      throw Failure(.invalidArgument, "a flow of \(channels) channels is not within \(Self.channelRange)")
    }
    let shape = BlockShape(channels: channels, conditionChannels: conditions)
    self.shape = shape
    weight1 = 0
    bias1 = weight1 + shape.hidden * shape.subnetInputs
    weight2 = bias1 + shape.hidden
    bias2 = weight2 + 2 * shape.x2Count * shape.hidden
    scale = bias2 + 2 * shape.x2Count
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
      Entry(name: "subnet.0.weight", shape: shape.weight1, offset: weight1),
      Entry(name: "subnet.0.bias", shape: [shape.hidden], offset: bias1),
      Entry(name: "subnet.2.weight", shape: shape.weight2, offset: weight2),
      Entry(name: "subnet.2.bias", shape: [2 * shape.x2Count], offset: bias2),
      Entry(name: "global_scale", shape: [1, shape.channels], offset: scale),
      Entry(name: "global_offset", shape: [1, shape.channels], offset: offset),
    ]
  }

  /// Copies a block's trainable numbers to the `count` floats at `target`.
  func store(_ parameters: BlockParameters, into target: UnsafeMutablePointer<Float>) {
    let parts = [
      (weight1, parameters.weight1), (bias1, parameters.bias1), (weight2, parameters.weight2),
      (bias2, parameters.bias2), (scale, parameters.globalScale), (offset, parameters.globalOffset),
    ]
    for (start, values) in parts {
      for (i, value) in values.enumerated() { target[start + i] = value }
    }
  }

  static func key(_ block: Int, _ name: String) -> String { "module_list.\(block).\(name)" }
}
