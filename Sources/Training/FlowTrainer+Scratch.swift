import Basics
import Kernels
import Layers

extension FlowTrainer {
  /// Memory whose contents no pass keeps: `groupCapacity` rows each, unless said otherwise.
  final class Scratch {
    /// v, rows of C; after the forward pass it is the last block's.
    let affine: FloatBuffer
    /// d loss / dx of a block and d loss / dy, where y is the next block's x: rows of C. The two swap places from block to
    /// block.
    let gradients: [FloatBuffer]
    /// d loss / d(s, t), the subnet's outputs before their factor: rows of 2 n2.
    let outputs: FloatBuffer
    /// The hidden units of a block, later d loss / d hidden: rows of H.
    let hidden: FloatBuffer
    /// Transposed copies of `outputs` and `hidden`: 2 n2 and H rows of `groupCapacity`.
    let transposedOutputs: FloatBuffer
    let transposedHidden: FloatBuffer
    /// x1 as ``PackedMatrix``.
    let packedX1: FloatBuffer
    /// log p without its constant, later d loss / d log p: one value a row.
    let likelihood: FloatBuffer
    /// Sums over the columns of each part of a pass: as many rows of `groupCapacity` as there are parts, and one sum
    /// of logarithms each.
    let partialSums: FloatBuffer
    let partialLogarithms: Buffer<Double>
    /// d loss / d(b1, b2, scale, offset), in the order of ``BlockLayout`` without the two matrices.
    let vectorGradients: VectorGradients
    /// For each half of the conditions what each place adds to the first layer, later the sum of the hidden units' gradients
    /// over the fibers of a place: `places` rows of H.
    let places: [FloatBuffer]
    /// The summed gradients, transposed: H rows of `places` values.
    let transposedPlaces: [FloatBuffer]
    /// The tables as ``PackedMatrix``.
    let packedTables: [FloatBuffer]
    /// As many zeros as the widest row of a product has.
    let zeros: FloatBuffer
    /// Scratch memory of each thread.
    let products: [FloatBuffer]
    let weightGradients: [FloatBuffer]

    struct VectorGradients {
      let bias1: FloatBuffer
      /// b2, scale and offset, which lie one after the other.
      let rest: FloatBuffer
    }

    init(_ layout: BlockLayout, rows: Int, places: Int, workers: Int) throws(Failure) {
      let shape = layout.shape
      func floats(_ width: Int) throws(Failure) -> FloatBuffer { try FloatBuffer(count: rows * width) }
      func halves(_ count: Int) throws(Failure) -> [FloatBuffer] {
        [try FloatBuffer(count: count), try FloatBuffer(count: count)]
      }
      func each(_ count: Int) throws(Failure) -> [FloatBuffer] {
        var buffers: [FloatBuffer] = []
        for _ in 0..<workers { buffers.append(try FloatBuffer(count: count)) }
        return buffers
      }
      affine = try floats(shape.channels)
      gradients = try halves(rows * shape.channels)
      outputs = try floats(2 * shape.x2Count)
      hidden = try floats(shape.hidden)
      transposedOutputs = try floats(2 * shape.x2Count)
      transposedHidden = try floats(shape.hidden)
      packedX1 = try FloatBuffer(count: PackedMatrix.count(rows: rows, columns: shape.x1Count))
      likelihood = try floats(1)
      let parts = ColumnParts(shape.x1Count).count
      partialSums = try floats(parts)
      partialLogarithms = try Buffer(count: parts)
      vectorGradients = VectorGradients(
        bias1: try FloatBuffer(count: shape.hidden), rest: try FloatBuffer(count: layout.count - layout.bias2))
      let half = shape.conditionChannels / 2
      self.places = try halves(half > 0 ? places * shape.hidden : 0)
      transposedPlaces = try halves(half > 0 ? places * shape.hidden : 0)
      packedTables = try halves(PackedMatrix.count(rows: places, columns: half))
      zeros = try FloatBuffer(count: shape.hidden + shape.subnetInputs + Kernels.gemmShape.panelWidth)
      products = try each(UnpackedMatrix.scratchCount)
      weightGradients = try each(FlowTrainer.weightRowsAtOnce * max(shape.hidden, shape.subnetInputs))
    }
  }
}
