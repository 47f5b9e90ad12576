@preconcurrency import CHDF5
import Basics
import Encoders
import Flows
import Foundation
import Imaging
import Testing

@testable import ModelFile
@testable import Scoring

/// All tests of the module, one after the other: some watch what belongs to the whole process, and tests call libhdf5
/// directly, without the library's lock.
@Suite(.serialized) struct ModelFileTests {}

func fixture(_ name: String) throws -> URL {
  try #require(Bundle.module.url(forResource: name, withExtension: "h5", subdirectory: "Fixtures"))
}

/// A folder of its own for a test, removed with the object.
final class TemporaryFolder {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appendingPathComponent("cflowad-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  func path(_ name: String) -> String { url.appendingPathComponent(name).path }

  var names: [String] { get throws { try FileManager.default.contentsOfDirectory(atPath: url.path).sorted() } }
}

/// What Tests/Fixtures/make_model_files.py calls `ramp`.
func ramp(_ shape: Int...) throws -> Tensor {
  try Tensor(shape: shape, values: (0..<shape.reduce(1, *)).map { Float($0) / 4 - 2 })
}

/// The contents of the fixtures.
func sample(permutation: FlowDescription.Permutation = .hard) throws -> DetectorContents {
  let indices: [Float] = [2, 0, 3, 1]
  let level = StateDictionary([
    "module_list.0.global_scale": try ramp(1, 4),
    "module_list.0.global_offset": try ramp(1, 4),
    "module_list.0.subnet.0.weight": try ramp(12, 6),
    "module_list.0.subnet.0.bias": try ramp(12),
    "module_list.0.subnet.2.weight": try ramp(4, 12),
    "module_list.0.subnet.2.bias": try ramp(4),
    "module_list.0.w_perm": permutation == .hard ? try Tensor(shape: [4], values: indices) : try ramp(4, 4),
  ])
  var contents = try encoderAlone()
  contents.flow = try FlowDescription(blockCount: 1, conditionChannels: 4, permutation: permutation)
  contents.flowWeights = [level, level]
  contents.calibration = try Calibration(
    levelMaxima: [0.25, -0.5], total: 1.75, threshold: 0.5, scores: [0.125, 0.25, 0.5])
  contents.provenance = ["origin": "Größe 256²"]
  return contents
}

func encoderAlone() throws -> DetectorContents {
  DetectorContents(
    encoder: EncoderDescription(architecture: "resnet18", padding: .zeros, taps: ["layer2", "layer3"]),
    preprocessing: try Preprocessing(
      width: 64, height: 32, mean: [0.485, 0.456, 0.406], standardDeviation: [0.229, 0.224, 0.225]),
    encoderWeights: StateDictionary([
      "conv1.weight": try ramp(4, 3, 3, 3),
      "bn1.running_var": try ramp(4),
      "bn1.num_batches_tracked": try Tensor(shape: [], values: [7]),
    ]))
}

/// Equal to the bit, NaN included.
func expectEqual(
  _ a: DetectorContents, _ b: DetectorContents, sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(isEqual(a, b), sourceLocation: sourceLocation)
}

func isEqual(_ a: DetectorContents, _ b: DetectorContents) -> Bool {
  a.encoder == b.encoder && a.preprocessing == b.preprocessing && a.flow == b.flow
    && isEqual(a.encoderWeights, b.encoderWeights)
    && a.flowWeights.count == b.flowWeights.count && zip(a.flowWeights, b.flowWeights).allSatisfy(isEqual)
    && a.calibration == b.calibration && a.trainedFrames == b.trainedFrames && a.fit == b.fit
    && a.provenance == b.provenance && a.selfTest == b.selfTest
}

private func isEqual(_ a: StateDictionary, _ b: StateDictionary) -> Bool {
  a.keys == b.keys
    && a.keys.allSatisfy { key in
      a[key]?.shape == b[key]?.shape
        && (try? a[key]?.values.map(\.bitPattern)) == (try? b[key]?.values.map(\.bitPattern))
    }
}

func read(_ bytes: [UInt8]) throws(Failure) -> DetectorContents {
  // Typed throws do not pass withUnsafeBytes, so the buffer is made by hand.
  let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 16)
  defer { copy.deallocate() }
  copy.copyBytes(from: bytes)
  return try ModelFile.read(bytes: UnsafeRawBufferPointer(copy))
}

func bytes(of contents: DetectorContents) throws -> [UInt8] {
  let folder = try TemporaryFolder()
  try ModelFile.write(contents, to: folder.path("model.h5"))
  return [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder.path("model.h5"))))
}

/// The failure of reading, or nil.
func refused(_ bytes: [UInt8]) -> Failure? {
  do throws(Failure) {
    _ = try read(bytes)
    return nil
  } catch { return error }
}
