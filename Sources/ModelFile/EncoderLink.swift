import Basics
import Encoders
import HDF5
import Scoring

/// An encoder in a file of its own, beside the detectors that use it. Instead of tensors /encoder then holds an
/// external link `tensors` to that file's /encoder, and the fingerprint of the tensors that must be there.
struct EncoderLink {
  /// The plain name of a file in the detector's own folder; links to other places are refused.
  let file: String
  private let fingerprint: String
  /// What the encoder's file holds, in a link that is about to be written.
  private var stored: DetectorContents?

  private static let linkName = "tensors"
  private static let target = "/encoder"

  /// The link of a detector's /encoder; nil when it holds the tensors itself.
  init?(_ group: Group) throws(Failure) {
    guard let link = try group.externalLink(Self.linkName) else { return nil }
    guard try group.names() == [Self.linkName] else {
      throw Failure(.format, "\(group.path): it holds tensors beside a link to another file")
    }
    guard Self.isFileName(link.file), link.object == Self.target else {
      throw Failure(
        .format,
        "\(group.path): it links to \(link.object) of '\(link.file)', not to \(Self.target) of a "
          + "file in the same folder")
    }
    file = link.file
    fingerprint = try group.text("fingerprint")
  }

  /// Makes a link for a detector that is about to be written, and the encoder's file if there is none.
  init(_ file: String, for contents: DetectorContents, beside detector: String) throws(Failure) {
    let path = try Self.path(file, beside: detector)
    self.file = file
    if access(path.pathBytes, F_OK) != 0 {
      try ModelFile.write(
        DetectorContents(
          encoder: contents.encoder, preprocessing: contents.preprocessing, encoderWeights: contents.encoderWeights),
        to: path)
    }
    let stored = try ModelFile.read(path: path)
    try Self.check(stored, path, has: contents, keys: contents.encoderWeights.keys)
    fingerprint = try stored.encoderWeights.fingerprint
    self.stored = stored
  }

  /// The digest of the linked encoder's weights and a detector's flows; nil in a link that was read.
  func weightsDigest(with flowWeights: [StateDictionary]) throws(Failure) -> String? {
    guard var stored else { return nil }
    stored.flowWeights = flowWeights
    return try stored.computedWeightsDigest()
  }

  /// Checks early what is known before the detector is made. Its encoder may keep fewer tensors than `contents` has, so that only
  /// those in the encoder's file are compared, and none if the encoder is yet to be quantized, which changes its tensors.
  static func check(
    _ file: String, for contents: DetectorContents, precision: Precision, beside detector: String
  ) throws(Failure) {
    let path = try Self.path(file, beside: detector)
    guard access(path.pathBytes, F_OK) == 0 else { return }
    let stored = try ModelFile.read(path: path)
    guard stored.encoder.precision == precision else {
      throw Failure(
        .invalidArgument,
        "\(path): it holds an encoder of \(stored.encoder.precision.rawValue), and the detector's will be of "
          + precision.rawValue)
    }
    let keys = precision == contents.encoder.precision ? stored.encoderWeights.keys : []
    try check(stored, path, has: contents, keys: keys)
  }

  /// The path of a file beside the one that the detector's symbolic links lead to.
  private static func path(_ file: String, beside detector: String) throws(Failure) -> String {
    let detector = try AtomicFile(of: detector).target
    let path = AtomicFile.folder(of: detector) + file
    guard isFileName(file), path != detector, file != detector else {
      throw Failure(.invalidArgument, "'\(file)' is not the name of another file in the detector's folder")
    }
    return path
  }

  private static func check(
    _ stored: DetectorContents, _ path: String, has contents: DetectorContents, keys: some Sequence<String>
  ) throws(Failure) {
    guard stored.encoder.architecture == contents.encoder.architecture,
      stored.encoder.padding == contents.encoder.padding,
      keys.allSatisfy({ stored.encoderWeights[$0] == contents.encoderWeights[$0] })
    else { throw Failure(.invalidArgument, "\(path): it holds another encoder than the detector's") }
  }

  func fill(_ group: GroupWriter) throws(Failure) {
    try group.set("fingerprint", fingerprint)
    try group.link(Self.linkName, file: file, object: Self.target)
  }

  /// The linked tensors.
  ///
  /// - Parameter folders: folders in which the file is looked for, in this order; none for a detector that came from no file.
  func weights(in folders: [String]) throws(Failure) -> StateDictionary {
    guard let folder = folders.first(where: { access(($0 + file).pathBytes, F_OK) == 0 }) ?? folders.first else {
      throw Failure(.unsupported, "its encoder is in another file, '\(file)': open the detector by its path")
    }
    let path = folder + file
    let opened = try RegularFile(path: path)
    do throws(Failure) {
      let weights = try FileImage.read(opened) { root throws(Failure) in
        try ModelFile.checkFormat(root)
        // A link in that file is not followed.
        return try ModelFile.tensors(root.group("encoder"))
      }
      guard try weights.fingerprint == fingerprint else {
        throw Failure(.format, "it holds another encoder than the one that the detector was made with")
      }
      return weights
    } catch { throw error.within(path) }
  }

  private static func isFileName(_ name: String) -> Bool { isPlainName(name) && name != ".." && name.utf8.count < 256 }
}
