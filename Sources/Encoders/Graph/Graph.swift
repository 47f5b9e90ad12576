/// An encoder's layers, each of which reads values that earlier layers make, and the values that are its features.
struct Graph: Sendable, Equatable {
  var layers: [LayerSpec] = []
  /// The value of each level, finest first.
  var levels: [Int] = []

  /// How often each value is read, by layers and as a level.
  var readers: [Int] {
    var readers = [Int](repeating: 0, count: layers.count + 1)
    for value in layers.flatMap(\.operands) + levels { readers[value] += 1 }
    return readers
  }
}
