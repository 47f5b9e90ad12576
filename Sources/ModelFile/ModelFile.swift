import Basics
import Encoders
import HDF5
import Imaging
import Scoring

/// Reads and writes model files: HDF5, as docs/model-format.md describes them.
///
/// Reading checks that everything is there, of the right type and in proportion to the file's size. Encoder and flows
/// check that tensors have the shapes that they need.
package enum ModelFile {
  /// The newest version of the format that this library reads and writes.
  package static let formatVersion = 3

  /// The oldest version that can express the contents, so that older libraries read what they score correctly and
  /// refuse everything else. Tiles came with version 2; flows that start at a Gaussian, smoothed maps, and
  /// encoders of 8 bits, with 3.
  static func formatVersion(of contents: DetectorContents) -> Int {
    if contents.encoder.precision != .float32 { return 3 }
    if let flow = contents.flow, flow.start != .none { return 3 }
    if let calibration = contents.calibration, calibration.smoothing > 0 { return 3 }
    return contents.preprocessing.tiling == nil ? 1 : 2
  }

  /// The attribute `positional_encoding` of `/tiling`: a tile's positions are encoded as if it were a frame.
  static let tilePositionalEncoding = "per tile"

  /// The attribute `resample` of `/preprocessing`. Before 1.2 there was only the first one, under this name.
  static func resamplingName(_ resampling: Resampling) -> String {
    resampling == .pillow3 ? "lanczos" : "lanczos-\(resampling.name)"
  }

  /// The group in `/calibration` with the scores of frames that should not pass.
  static let strangeFramesName = "strange_frames"

  /// The dataset in it with the means of a kind's maps, beside the one of scores.
  static func strangeMeansName(_ kind: StrangeFrame) -> String { "\(kind.rawValue)_mean" }

  /// The group with what a detector computed of a known frame when it was made.
  static let selfTestName = "self_test"

  /// The root attribute with ``DetectorContents/computedWeightsDigest(_:)``.
  static let weightsDigestName = "weights_sha256"

  /// The root attribute `format`.
  static let formatName = "cflowad"

  /// - Throws: `.io` when the file cannot be read, `.format` when it is damaged or not a model file, `.unsupported` for
  ///   a newer version or HDF5 features that are not accepted, `.outOfMemory`.
  package static func read(path: String) throws(Failure) -> DetectorContents {
    var contents = try open(path: path)
    do throws(Failure) { try contents.load() } catch { throw error.within(path) }
    return contents
  }

  /// Reads a file whose tensors stay in it until they are needed; it is kept open for them. Wrong values are found only then.
  package static func open(path: String) throws(Failure) -> DetectorContents {
    let file = try RegularFile(path: path)
    // A detector that is deployed as a symbolic link has its encoder beside the real file, or else beside the link.
    let folders = [realPath(path), path].compactMap { $0 }.map(AtomicFile.folder(of:))
    do throws(Failure) { return try open(file, folders: folders) } catch { throw error.within(path) }
  }

  /// The name of the file in a detector's folder that holds its encoder; nil when the detector's own file does. Fails as
  /// ``open(path:)`` does.
  package static func encoderFile(of path: String) throws(Failure) -> String? {
    let file = try RegularFile(path: path)
    do throws(Failure) {
      return try FileImage.read(file) { root throws(Failure) in try contents(root).1 }?.file
    } catch { throw error.within(path) }
  }

  /// A path without symbolic links; nil when there is nothing.
  private static func realPath(_ path: String) -> String? {
    guard let real = realpath(path.pathBytes, nil) else { return nil }
    defer { free(real) }
    return String(path: real)
  }

  /// The detector that a file holds; fails as ``open(path:)`` and the detector do.
  package static func detector(path: String) throws(Failure) -> Detector {
    let contents = try open(path: path)
    do throws(Failure) { return try detector(contents) } catch { throw error.within(path) }
  }

  /// The detector in the bytes of a model file, which are not needed afterwards.
  package static func detector(bytes: UnsafeRawBufferPointer) throws(Failure) -> Detector {
    try detector(open(BorrowedBytes(bytes)))
  }

  /// Files from before version 1.2 do not say their weights' digest, which then takes a pass over them.
  private static func detector(_ contents: DetectorContents) throws(Failure) -> Detector {
    var contents = contents
    if contents.weightsDigest == nil { contents.weightsDigest = try contents.computedWeightsDigest() }
    return try Detector(contents)
  }

  /// Reads the bytes of a model file, otherwise like ``read(path:)``.
  package static func read(bytes: UnsafeRawBufferPointer) throws(Failure) -> DetectorContents {
    var contents = try open(BorrowedBytes(bytes))
    try contents.load()
    return contents
  }

  /// - Parameter folders: folders in which an encoder's file may be; none when the bytes come from no file.
  private static func open(_ file: any ReadableFile, folders: [String] = []) throws(Failure) -> DetectorContents {
    var (contents, link) = try FileImage.read(file) { root throws(Failure) in try Self.contents(root) }
    if let link {
      let digest = contents.weightsDigest
      contents.encoderWeights = try link.weights(in: folders)
      contents.weightsDigest = digest
    }
    return contents
  }

  /// Writes a file whole or not at all: a temporary file beside it replaces it once it is on the disk.
  ///
  /// - Parameter encoderFile: name of a file in the same folder that holds the encoder, so that detectors share one; it is
  ///   written when it is not there, and must hold the same weights when it is. nil: the encoder is stored in the file.
  /// - Throws: `.io`; `.invalidArgument` when the contents contradict themselves, a name or text cannot be stored, or the
  ///   encoder's file holds another encoder.
  package static func write(_ contents: DetectorContents, to path: String, encoderFile: String? = nil) throws(Failure) {
    let link = try encoderFile.map { name throws(Failure) in try EncoderLink(name, for: contents, beside: path) }
    let bytes = try image(of: contents, for: path, link)
    try withExtendedLifetime(bytes) { () throws(Failure) in
      try AtomicFile.write(UnsafeRawBufferPointer(bytes.buffer), to: path)
    }
  }

  /// Fails early as ``write(_:to:encoderFile:)`` would for this encoder file.
  ///
  /// - Parameters:
  ///   - contents: an encoder, or a detector, from which the one to be written takes its encoder.
  ///   - precision: what that encoder will compute in.
  package static func checkEncoderFile(
    _ name: String, for contents: DetectorContents, precision: Precision, beside path: String
  ) throws(Failure) {
    try EncoderLink.check(name, for: contents, precision: precision, beside: path)
  }

  private static func image(
    of contents: DetectorContents, for path: String, _ link: EncoderLink?
  ) throws(Failure) -> FileBytes {
    do throws(Failure) {
      try check(contents)
      var digest = contents.weightsDigest
      if let link { digest = try link.weightsDigest(with: contents.flowWeights) }
      let known = if let digest { digest } else { try contents.computedWeightsDigest() }
      let parameters = ([contents.encoderWeights] + contents.flowWeights).reduce(0) { $0 + $1.parameterCount }
      return try FileImage.build(expectedSize: parameters * MemoryLayout<Float>.stride) {
        root throws(Failure) in try fill(root, contents, link, weightsDigest: known)
      }
    } catch { throw error.within(path) }
  }
}
