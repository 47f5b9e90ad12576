extension Graph {
  /// Makes the BatchNorm, the addition and the activation behind a convolution part of its epilogue, each of which saves a pass
  /// over the map. A value that is read elsewhere too, for example as a level, stays a value of its own.
  ///
  /// Architectures declare these layers separately, so that they need not know where a detector takes its features.
  var fusingEpilogues: Graph {
    let readers = readers
    var fused: [LayerSpec] = []
    // The index of each value in the fused graph.
    var numbers = [0]
    for layer in layers {
      // A layer is fused with the later of its two operands, since the addend must be computed before.
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
  /// This layer fused with the next one; nil when they cannot be fused.
  ///
  /// - Parameter addend: the other operand of the next layer.
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
      // The kernels of grouped convolutions cannot add.
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
