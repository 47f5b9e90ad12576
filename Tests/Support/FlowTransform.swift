import Basics
import Flows
import Kernels

/// The flow as it is written down (paper, section 4; FrEIA AllInOneBlock), fiber by fiber in double precision and in
/// both directions: x -> z with log |det J|, and z -> x. It is meant for study and for checking ``Flow``, which
/// computes the same likelihood faster.
package struct FlowTransform: Sendable {
  private let channels: Int
  private let description: FlowDescription
  private let positions: Int
  private let gaussian: GaussianTransform?
  private let blocks: [BlockParameters]

  /// - Parameter grid: the level's; without a ``GaussianLayer`` only its channels count.
  package init(grid: Grid, description: FlowDescription, weights: StateDictionary) throws(Failure) {
    let channels = grid.channels
    guard channels >= 2 else { throw Failure(.unsupported, "a flow over \(channels) channels has nothing to couple") }
    var blocks: [BlockParameters] = []
    for index in 0..<description.blockCount {
      blocks.append(try BlockParameters(weights, block: index, channels: channels, description: description))
    }
    gaussian = try description.start == .gaussian ? GaussianTransform(weights, grid: grid) : nil
    positions = grid.positions
    self.channels = channels
    self.description = description
    self.blocks = blocks
  }

  /// The latent z of a fiber and the logarithm of the Jacobian's determinant.
  ///
  /// - Parameters:
  ///   - fiber: C values.
  ///   - condition: P values; not read by an unconditional flow.
  ///   - position: the fiber's place on the grid: row * width + column.
  package func forward(
    _ fiber: [Double], condition: [Float], position: Int = 0
  ) throws(Failure) -> (z: [Double], logDeterminant: Double) {
    try check(fiber, condition, position)
    var (x, logDeterminant) = gaussian?.forward(fiber, position: position) ?? (fiber, 0)
    for block in blocks {
      let (j, t) = coefficients(block, x, condition)
      let x1Count = channels - t.count
      for i in t.indices { x[x1Count + i] = x[x1Count + i] * exp(j[i]) + t[i] }
      logDeterminant += j.reduce(0, +)
      for i in x.indices {
        let g = BlockParameters.scale(block.globalScale[i])
        x[i] = x[i] * g + Double(block.globalOffset[i])
        logDeterminant += log(g)
      }
      x = mix(block.mixing, x)
    }
    return (x, logDeterminant)
  }

  /// The fiber whose latent is z.
  package func inverse(_ z: [Double], condition: [Float], position: Int = 0) throws(Failure) -> [Double] {
    try check(z, condition, position)
    var x = z
    for block in blocks.reversed() {
      x = unmix(block.mixing, x)
      for i in x.indices { x[i] = (x[i] - Double(block.globalOffset[i])) / BlockParameters.scale(block.globalScale[i]) }
      // x1 went through unchanged, so the coefficients are the forward direction's.
      let (j, t) = coefficients(block, x, condition)
      let x1Count = channels - t.count
      for i in t.indices { x[x1Count + i] = (x[x1Count + i] - t[i]) * exp(-j[i]) }
    }
    return gaussian?.inverse(x, position: position) ?? x
  }

  /// log p(x | c) / C.
  package func logLikelihood(
    _ fiber: [Double], condition: [Float], position: Int = 0
  ) throws(Failure) -> Double {
    let (z, logDeterminant) = try forward(fiber, condition: condition, position: position)
    let squaredNorm = z.reduce(0) { $0 + $1 * $1 }
    return (-0.5 * Double(channels) * log(2 * Double.pi) - 0.5 * squaredNorm + logDeterminant) / Double(channels)
  }

  private func check(_ vector: [Double], _ condition: [Float], _ position: Int) throws(Failure) {
    guard gaussian == nil || (0..<positions).contains(position) else {
      throw Failure(.invalidArgument, "the position \(position) is not within 0..<\(positions)")
    }
    guard vector.count == channels, condition.count >= description.conditionChannels else {
      throw Failure(
        .invalidArgument, "a fiber of \(channels) values with \(description.conditionChannels) of condition is needed")
    }
  }
}

extension FlowTransform {
  /// j, the clamped log-scale, and t of a block.
  private func coefficients(_ block: BlockParameters, _ x: [Double], _ condition: [Float]) -> (j: [Double], t: [Double])
  {
    let shape = BlockShape(channels: channels, conditionChannels: description.conditionChannels)
    let input = x[..<shape.x1Count] + condition.prefix(description.conditionChannels).map(Double.init)
    var hidden = affine(block.weight1, block.bias1, Array(input))
    for i in hidden.indices { hidden[i] = max(hidden[i], 0) }
    let a = affine(block.weight2, block.bias2, hidden).map { 0.1 * $0 }
    let alpha = Double(description.clampAlpha)
    let j = a[..<shape.x2Count].map { alpha * tanh(description.clamp == .scaledTanh ? $0 / alpha : $0) }
    return (j, Array(a[shape.x2Count...]))
  }

  private func affine(_ weight: UnsafePointer<Float>, _ bias: [Float], _ x: [Double]) -> [Double] {
    bias.indices.map { row in
      var sum = Double(bias[row])
      for (i, value) in x.enumerated() { sum += Double(weight[row * x.count + i]) * value }
      return sum
    }
  }

  private func mix(_ mixing: Mixing, _ u: [Double]) -> [Double] {
    switch mixing {
    case .rotation(let matrix): affine(matrix.base, [Float](repeating: 0, count: channels), u)
    case .permutation(let indices, _): indices.map { u[Int($0)] }
    }
  }

  private func unmix(_ mixing: Mixing, _ y: [Double]) -> [Double] {
    switch mixing {
    case .rotation(let matrix):
      // The inverse of a rotation is its transpose.
      var u = [Double](repeating: 0, count: channels)
      for row in 0..<channels {
        for column in 0..<channels { u[column] += Double(matrix.base[row * channels + column]) * y[row] }
      }
      return u
    case .permutation(_, let inverse): return inverse.map { y[Int($0)] }
    }
  }
}

extension PositionalEncoding {
  /// The whole encoding: `height` x `width` rows of P channels.
  package static func table(height: Int, width: Int, channels: Int) -> [Float] {
    let half = channels / 2
    let columns = axis(length: width, channels: channels)
    let rows = axis(length: height, channels: channels)
    var values: [Float] = []
    values.reserveCapacity(height * width * channels)
    for y in 0..<height {
      for x in 0..<width {
        values += columns[x * half..<(x + 1) * half]
        values += rows[y * half..<(y + 1) * half]
      }
    }
    return values
  }
}
