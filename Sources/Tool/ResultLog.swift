import Basics
import FoundationEssentials
import Kernels
import Scoring

/// A file of records, one JSON object a line, which are appended whole: processes that share it do not mix theirs.
final class ResultLog {
  private let path: String
  private let file: Int32
  private let model: Model

  /// What every record tells. The property names, in snake case, are those of the JSON object.
  private struct Model: Encodable {
    /// The detector's identity.
    let model: String?
    let modelName: String?
    let library: String
    var time = ""
  }

  /// A record's own properties beside those of ``Model``.
  private struct Record<Frame: Encodable>: Encodable {
    let frame: Frame
    let model: Model

    func encode(to encoder: any Encoder) throws {
      try frame.encode(to: encoder)
      try model.encode(to: encoder)
    }
  }

  /// Opens a file, or makes one. Fails with `.io`.
  init(_ path: String, _ detector: Detector) throws(Failure) {
    self.path = path
    file = open(path.pathBytes, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o644)
    guard file >= 0 else { throw Failure(.io, "\(path): it cannot be written: \(Self.reason)") }
    model = Model(
      model: detector.identity, modelName: detector.provenance["name"],
      library: "libcflowad \(Tool.version), \(Kernels.build.summary) kernels")
  }

  deinit { close(file) }

  /// Appends a record. Fails with `.io`.
  func write(_ frame: some Encodable) throws(Failure) {
    var model = model
    model.time = Date.now.ISO8601Format(.init(includingFractionalSeconds: true))
    var line = try json(Record(frame: frame, model: model)) + "\n"
    // One call: what is appended by one is whole, whoever else appends.
    let isWhole = line.withUTF8 { bytes in
      var count = 0
      repeat { count = Basics.write(file, bytes.baseAddress, bytes.count) } while count < 0 && errno == EINTR
      return count == bytes.count
    }
    guard isWhole else { throw Failure(.io, "\(path): a record cannot be written: \(Self.reason)") }
  }

  private static var reason: String { strerror(errno).map { String(cString: $0) } ?? "error \(errno)" }
}

/// A record of a frame that could not be scored.
struct FailedFrame: Encodable {
  let file: String
  let error: String
}
