import Basics
import Kernels
import Layers

/// A Gaussian in integers, as detectors of 8 bits have it: the basis in 16 bits, since the directions in which good frames hardly
/// differ are differences of large numbers, and the triangles, which are most of a file, in 8.
extension GaussianParameters {
  private static let basisScaleKey = basisKey + QuantizedFlow.scaleSuffix
  private static let factorsScaleKey = factorsKey + QuantizedFlow.scaleSuffix

  static func isQuantized(_ weights: StateDictionary) -> Bool {
    weights[basisScaleKey] != nil || weights[factorsScaleKey] != nil
  }

  /// Replaces the basis and the triangles by integers with a scale for each row, unless they are that already.
  static func quantize(_ weights: inout StateDictionary) throws(Failure) {
    guard !isQuantized(weights), let basis = weights[basisKey] else { return }
    let channels = basis.shape.last ?? 0
    (weights[basisKey], weights[basisScaleKey]) = try quantizedBasis(
      weights.values(basisKey, shape: [channels, channels]), channels: channels)
    guard let factors = weights[factorsKey] else { return }
    let rank = try rank(weights, channels: channels)
    let positions = factors.shape.first ?? 0
    let reader = try weights.weights(factorsKey, shape: [positions, triangleCount(rank)]).reader()
    try checkMemory(for: factors.count, of: Int8.self)
    var integers: [Int8] = []
    integers.reserveCapacity(factors.count)
    var scales: [Float] = []
    let triangle = try FloatBuffer(count: triangleCount(rank), isBrief: true)
    let rounded = try Buffer<Int16>(count: triangleCount(rank), isBrief: true)
    for _ in 0..<positions {
      try reader.read(triangle.count, into: triangle.base)
      for row in 1...rank {
        let start = triangleCount(row - 1)
        scales.append(DynamicLinear.quantize(triangle.base + start, count: row, into: rounded.base + start))
        // A diagonal stays above 0, however small it is beside its row.
        let last = start + row - 1
        if triangle.base[last] > 0 { rounded.base[last] = max(rounded.base[last], 1) }
      }
      for place in 0..<triangle.count { integers.append(Int8(truncatingIfNeeded: rounded.base[place])) }
    }
    weights[factorsKey] = try Tensor(shape: factors.shape, integers: integers)
    weights[factorsScaleKey] = try Tensor(shape: [positions, rank], values: scales)
  }

  private static func quantizedBasis(
    _ basis: [Float], channels: Int
  ) throws(Failure) -> (integers: Tensor, scales: Tensor) {
    var integers: [Int16] = []
    var scales: [Float] = []
    for row in 0..<channels {
      let values = basis[row * channels..<(row + 1) * channels]
      let scale = values.reduce(Float(0)) { max($0, abs($1)) } / 32_767
      scales.append(scale)
      // A row of zeros, or with values that are not finite, becomes zeros without an error: a matrix with such a row is no
      // rotation, and readers refuse it.
      integers += values.map { Int16(exactly: ($0 / scale).rounded(.toNearestOrEven)) ?? 0 }
    }
    return (
      try Tensor(shape: [channels, channels], integers: integers), try Tensor(shape: [channels], values: scales)
    )
  }

  /// The rows of U, from integers or floats.
  static func basis(_ weights: StateDictionary, channels: Int) throws(Failure) -> SharedFloats {
    let basis = try weights.weights(basisKey, shape: [channels, channels])
    guard isQuantized(weights) else { return try basis.shared() }
    let scales = try QuantizedFlow.scales(weights, of: basisKey, shape: [channels])
    let reader = basis.reader()
    return try SharedFloats(count: channels * channels) { (rows) throws(Failure) in
      for row in 0..<channels {
        let values = rows + row * channels
        try reader.read(channels, into: values)
        for place in 0..<channels { values[place] *= scales[row] }
      }
    }
  }

  /// Calls the body with the integers of each position's triangle, within +-127, and the scales of its rows, if there are any
  /// triangles. Fails with `.format` for other numbers, and where a diagonal is not above 0.
  func forEachByteTriangle(
    of weights: StateDictionary, grid: Grid,
    _ body: (_ position: Int, _ triangle: UnsafePointer<Int16>, _ scales: UnsafePointer<Float>) -> Void
  ) throws(Failure) {
    guard rank > 0 else { return }
    let count = Self.triangleCount(rank)
    let rows = integerRows(of: try weights.weights(Self.factorsKey, shape: [grid.positions, count]), length: count)
    let scaleReader = try weights.weights(Self.factorsScaleKey, shape: [grid.positions, rank]).reader()
    let triangle = try Buffer<Int16>(count: count, isBrief: true)
    let scales = try FloatBuffer(count: rank, isBrief: true)
    for position in 0..<grid.positions {
      try rows(position..<position + 1, triangle.base)
      try scaleReader.read(rank, into: scales.base)
      guard (0..<rank).allSatisfy({ scales.base[$0] > 0 }) else {
        throw Failure(.format, "a value of the tensor \(Self.factorsScaleKey) is not above 0")
      }
      guard (1...rank).allSatisfy({ triangle.base[Self.triangleCount($0) - 1] > 0 }) else {
        throw Failure(.format, "a diagonal value of the tensor \(Self.factorsKey) is not above 0")
      }
      body(position, triangle.base, scales.base)
    }
  }
}
