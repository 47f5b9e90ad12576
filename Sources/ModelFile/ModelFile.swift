import Basics
import HDF5
import Scoring

/// Reads and writes model files: HDF5, as docs/model-format.md describes them.
///
/// Reading checks that everything is there, of the right type and in proportion to the file's size; whether tensors
/// have the shapes that the architecture needs is for the encoder and the flows to say.
package enum ModelFile {
  /// Version of the format that this library writes, and the newest that it reads.
  package static let formatVersion = 1

  /// The root attribute `format`.
  static let formatName = "cflowad"

  /// - Throws: `.io` when the file cannot be read, `.format` when it is damaged or not a model file, `.unsupported` for
  ///   a newer version or HDF5 features that are not accepted, `.outOfMemory`.
  package static func read(path: String) throws(Failure) -> DetectorContents {
    let bytes = try Disk.read(path)
    do throws(Failure) { return try read(bytes) } catch { throw error.within(path) }
  }

  /// From the bytes of a model file, which are copied. Otherwise like ``read(path:)``.
  package static func read(bytes: UnsafeRawBufferPointer) throws(Failure) -> DetectorContents {
    guard let copy = FileBytes(count: bytes.count) else {
      throw Failure(.outOfMemory, "there is no memory for a copy of \(bytes.count) bytes")
    }
    copy.buffer.copyMemory(from: bytes)
    return try read(copy)
  }

  /// Tensors stay in the file's bytes, whose memory goes with them piece by piece.
  private static func read(_ bytes: FileBytes) throws(Failure) -> DetectorContents {
    try FileImage.read(bytes) { root throws(Failure) in try contents(root) }
  }

  /// Writes a file whole or not at all: a temporary file beside it replaces it once it is on the disk.
  ///
  /// - Throws: `.io`; `.invalidArgument` when the contents contradict themselves or a name or text cannot be stored.
  package static func write(_ contents: DetectorContents, to path: String) throws(Failure) {
    let bytes = try image(of: contents, for: path)
    try withExtendedLifetime(bytes) { () throws(Failure) in
      try Disk.replace(path, with: UnsafeRawBufferPointer(bytes.buffer))
    }
  }

  private static func image(of contents: DetectorContents, for path: String) throws(Failure) -> FileBytes {
    do throws(Failure) {
      try check(contents)
      let parameters = ([contents.encoderWeights] + contents.flowWeights).reduce(0) { $0 + $1.parameterCount }
      return try FileImage.build(expectedSize: parameters * MemoryLayout<Float>.stride) {
        root throws(Failure) in try fill(root, contents)
      }
    } catch { throw error.within(path) }
  }
}
