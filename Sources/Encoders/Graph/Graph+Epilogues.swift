extension Graph {
  /// With what follows a convolution as part of its epilogue: the BatchNorm, an addition, the activation. Each saves a pass
  /// over the map. What somebody else reads too, such as a level, stays a value of its own.
  ///
  /// Architectures declare these layers apart, so that they need not know where a detector takes its features.
  var fusingEpilogues: Graph {
    let readers = readers
    var fused: [LayerSpec] = []
    // The number of each value among the fused layers'.
    var numbers = [0]
    for layer in layers {
      // Of two operands the later one: what is added must be there before.
      let operands = layer.operands.sorted { numbers[$0] < numbers[$1] }
      let addend = operands.dropLast().last.map { numbers[$0] }
      if let last = operands.last, last > 0, readers[last] == 1,
        let whole = fused[numbers[last] - 1].followed(by: layer.operation, adding: addend)
      {
        fused[numbers[last] - 1] = whole
        numbers.append(numbers[last])
      } else {
        fused.append(layer.renumbered(numbers))
        numbers.append(fused.count)
      }
    }
    return Graph(layers: fused, levels: levels.map { numbers[$0] })
  }
}

extension LayerSpec {
  /// This layer and the next one in one; nil where that is not computed so.
  ///
  /// - Parameter addend: the next one's other operand.
  fileprivate func followed(by next: OperationSpec, adding addend: Int?) -> LayerSpec? {
    var whole = self
    switch (operation, next) {
    case (.convolution(var convolution), .batchNorm(let norm)):
      guard convolution.norm == nil, !convolution.hasBias, second == nil, convolution.activation == .identity else {
        return nil
      }
      convolution.norm = norm
      whole.operation = .convolution(convolution)
    case (.convolution(let convolution), .add):
      // Kernels of convolutions in groups add nothing.
      guard convolution.shape.groups == 1, second == nil, convolution.activation == .identity else { return nil }
      whole.second = addend
    case (.batchNorm, .add):
      guard second == nil else { return nil }
      whole.second = addend
    case (.convolution(var convolution), .activation(let activation)):
      guard convolution.activation == .identity else { return nil }
      convolution.activation = activation
      whole.operation = .convolution(convolution)
    default: return nil
    }
    return whole
  }
}
