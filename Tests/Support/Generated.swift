import Basics
import Encoders
import Flows

/// Tensors made by name: FNV-1a and splitmix64. The definition stands in Tests/Fixtures/make_detector.py.
package enum Generated {
  /// `count` values from -1 up to 1.
  package static func unit(_ name: String, count: Int) -> [Double] {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return (0..<count).map { i in
      var z = hash &+ UInt64(i + 1) &* 0x9e37_79b9_7f4a_7c15
      z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
      z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
      z = z ^ (z >> 31)
      return Double(z >> 40) / 8_388_608 - 1
    }
  }

  package static func tensor(
    _ prefix: String, _ key: String, _ shape: [Int], center: Double, spread: Double
  ) throws -> Tensor {
    let count = shape.reduce(1, *)
    return try Tensor(shape: shape, values: unit(prefix + key, count: count).map { Float(center + spread * $0) })
  }

  /// A flow's state dictionary.
  package static func flowWeights(_ prefix: String, channels: Int, _ description: FlowDescription) throws
    -> StateDictionary
  {
    let shape = BlockShape(channels: channels, conditionChannels: description.conditionChannels)
    var weights = StateDictionary()
    for block in 0..<description.blockCount {
      func add(_ key: String, _ tensorShape: [Int], center: Double = 0, spread: Double) throws {
        let key = "module_list.\(block).\(key)"
        weights[key] = try tensor(prefix, key, tensorShape, center: center, spread: spread)
      }
      let inputs = Double(shape.subnetInputs).squareRoot()
      let hidden = Double(shape.hidden).squareRoot()
      try add("global_scale", [1, channels], center: 10, spread: 1)
      try add("global_offset", [1, channels], spread: 0.1)
      try add("subnet.0.weight", shape.weight1, spread: 1 / inputs)
      try add("subnet.0.bias", [shape.hidden], spread: 1 / inputs)
      try add("subnet.2.weight", shape.weight2, spread: 4 / hidden)
      try add("subnet.2.bias", [2 * shape.x2Count], spread: 4 / hidden)
      let key = "module_list.\(block).w_perm"
      weights[key] =
        description.permutation == .soft
        ? rotation(prefix + key, channels: channels) : permutation(prefix + key, channels: channels)
    }
    return weights
  }

  private static func permutation(_ name: String, channels: Int) -> Tensor? {
    let keys = unit(name, count: channels)
    let order = (0..<channels).sorted { (keys[$0], $0) < (keys[$1], $1) }
    return try? Tensor(shape: [channels], values: order.map { Float($0) })
  }

  private static func rotation(_ name: String, channels: Int) -> Tensor? {
    var matrix = [Double](repeating: 0, count: channels * channels)
    for i in 0..<channels { matrix[i * channels + i] = 1 }
    for reflection in 0..<4 {
      let v = unit("\(name).\(reflection)", count: channels)
      var d = 0.0
      for value in v { d += value * value }
      for row in 0..<channels {
        var p = 0.0
        for j in 0..<channels { p += matrix[row * channels + j] * v[j] }
        for j in 0..<channels { matrix[row * channels + j] -= 2 * p / d * v[j] }
      }
    }
    return try? Tensor(shape: [channels, channels], values: matrix.map { Float($0) })
  }
}

extension Generated {
  /// An encoder's state dictionary, up to its last tap.
  package static func encoderWeights(_ architecture: String) throws -> StateDictionary {
    var weights = StateDictionary()
    let prefix = "\(architecture)/"
    func convolution(_ key: String, _ shape: [Int]) throws {
      let fan = Double(shape[1] * shape[2] * shape[3])
      let key = "\(key).weight"
      let spread = ((key.hasPrefix("_") ? 6 : 3) / fan).squareRoot()
      weights[key] = try tensor(prefix, key, shape, center: 0, spread: spread)
    }
    func norm(_ key: String, _ channels: Int) throws {
      let isLast = key.hasSuffix("bn2")
      for (part, center, spread) in [
        ("weight", isLast ? 0.5 : 1, isLast ? 0.1 : 0.2), ("bias", 0, 0.1), ("running_mean", 0, 0.1),
        ("running_var", 1, 0.5),
      ] {
        weights["\(key).\(part)"] = try tensor(prefix, "\(key).\(part)", [channels], center: center, spread: spread)
      }
    }
    if architecture == "resnet18" {
      try convolution("conv1", [64, 3, 7, 7])
      try norm("bn1", 64)
      for layer in 0..<4 {
        let outputs = 64 << layer
        for block in 0..<2 {
          let inputs = block == 0 && layer > 0 ? outputs / 2 : outputs
          let key = "layer\(layer + 1).\(block)"
          try convolution("\(key).conv1", [outputs, inputs, 3, 3])
          try norm("\(key).bn1", outputs)
          try convolution("\(key).conv2", [outputs, outputs, 3, 3])
          try norm("\(key).bn2", outputs)
          if inputs != outputs {
            try convolution("\(key).downsample.0", [outputs, inputs, 1, 1])
            try norm("\(key).downsample.1", outputs)
          }
        }
      }
    } else {
      try convolution("_conv_stem", [32, 3, 3, 3])
      try norm("_bn0", 32)
      var index = 0
      for (inputs, outputs, kernel, expansion, count) in [
        (32, 16, 3, 1, 1), (16, 24, 3, 6, 2), (24, 40, 5, 6, 2), (40, 80, 3, 6, 3), (80, 112, 5, 6, 3),
        (112, 192, 5, 6, 4),
      ] {
        for block in 0..<count {
          let inputs = block == 0 ? inputs : outputs
          let middle = inputs * expansion
          let key = "_blocks.\(index)"
          if expansion != 1 {
            try convolution("\(key)._expand_conv", [middle, inputs, 1, 1])
            try norm("\(key)._bn0", middle)
          }
          try convolution("\(key)._depthwise_conv", [middle, 1, kernel, kernel])
          try norm("\(key)._bn1", middle)
          try convolution("\(key)._project_conv", [outputs, middle, 1, 1])
          try norm("\(key)._bn2", outputs)
          index += 1
        }
      }
    }
    return weights
  }
}
