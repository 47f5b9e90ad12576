import Basics
import Foundation
import Kernels
import Scoring
import Synchronization
import Testing

/// Bits of results on record, in Tests/Fixtures/golden.txt, which no change of the code may change but by intent: a line for
/// each case and build of the kernels, since these round differently, and one line of "every" build for a detector of 8 bits.
///
/// Run on one build by `CFLOWAD_KERNELS`, and on each by Tests/kernels.sh. After a change by intent
/// `CFLOWAD_GOLDEN=record Tests/golden.sh` writes the lines of each build that the processor runs.
///
/// Scores owe nothing to the C library (``PortableMath``). Training goes through its log and exp in double precision: another
/// glibc may give another last bit there, which seldom outlives the rounding to single precision.
package enum Golden {
  private static let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Fixtures/golden.txt")
  private static let lines = Mutex(read())
  package static let isRecording = ProcessInfo.processInfo.environment["CFLOWAD_GOLDEN"] == "record"

  /// Results of one case by their names, without spaces.
  package typealias Results = [(name: String, bits: String)]

  /// Expects the bits on record, or records these. Where this processor does not run the build that is asked for, the test
  /// counts as skipped.
  ///
  /// - Parameters:
  ///   - name: the case's, without spaces.
  ///   - library: another library that has a part in the bits, with its version. Where there are bits on record for other
  ///     versions only, the test counts as skipped.
  ///   - isOfEveryBuild: whether all builds of the kernels must give the same bits.
  package static func expect(
    _ name: String, with library: String? = nil, isOfEveryBuild: Bool = false,
    sourceLocation: SourceLocation = #_sourceLocation,
    _ results: () throws -> Results
  ) throws {
    do { try Kernels.checkChoice() } catch { try Test.cancel("\(error.message)") }
    let ownBuild = KernelBuild.floatBuilds.first { $0.kernels.name == Kernels.selected.name }?.rawValue ?? "unknown"
    let build = isOfEveryBuild ? "every" : ownBuild
    let library = library.map { $0.replacing(" ", with: "_") } ?? "-"
    let others = lines.withLock { $0.keys.filter { $0.hasPrefix("\(build) \(name) ") } }
    let key = "\(build) \(name) \(library)"
    if !isRecording, !others.isEmpty, !others.contains(key) {
      try Test.cancel("nothing is on record for \(library)")
    }
    let results = try results()
    if isRecording { return try record(results, key) }
    let recorded = lines.withLock { $0[key] } ?? []
    #expect(results.map(\.name) == recorded.map(\.name), "\(key): other results", sourceLocation: sourceLocation)
    for (result, recorded) in zip(results, recorded) where result != recorded {
      Issue.record("\(key): \(recorded) is on record, not \(result)", sourceLocation: sourceLocation)
    }
  }

  /// Of the cases on record.
  package static var names: Set<String> { lines.withLock { Set($0.keys.map { String($0.split(separator: " ")[1]) }) } }

  private static func record(_ results: Results, _ key: String) throws {
    try lines.withLock { lines in
      lines[key] = results
      let text = lines.sorted { $0.key < $1.key }.map { key, results in
        ([key] + results.map { "\($0.name)=\($0.bits)" }).joined(separator: " ") + "\n"
      }.joined()
      try Data(text.utf8).write(to: path, options: .atomic)
    }
  }

  private static func read() -> [String: Results] {
    let text = (try? String(contentsOf: path, encoding: .utf8)) ?? ""
    var lines: [String: Results] = [:]
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ").map { String($0) }
      lines[words.prefix(3).joined(separator: " ")] = words.dropFirst(3).map { word in
        let parts = word.split(separator: "=").map { String($0) }
        return (parts[0], parts.count > 1 ? parts[1] : "")
      }
    }
    return lines
  }
}

extension Golden {
  /// The bits of one value.
  package static func bits(_ value: Float) -> String { String(value.bitPattern, radix: 16) }

  /// 64 bits of the fingerprint of many.
  package static func bits<Element: BitwiseCopyable>(_ values: UnsafePointer<Element>, count: Int) -> String {
    var fingerprint = Fingerprint()
    fingerprint.add(UnsafeRawBufferPointer(start: values, count: count * MemoryLayout<Element>.stride))
    return String(fingerprint.bits, radix: 16)
  }

  package static func bits<Element: BitwiseCopyable>(_ values: [Element]) -> String {
    values.withUnsafeBufferPointer { values in values.baseAddress.map { bits($0, count: values.count) } ?? "none" }
  }

  /// Of tensors, with their names and shapes.
  package static func bits(_ weights: StateDictionary) throws -> String { String(try weights.fingerprint.prefix(16)) }

  /// Of all that a calibration holds but its region of interest.
  package static func bits(_ calibration: Calibration) -> String {
    var numbers =
      calibration.levelMaxima + [calibration.total, calibration.wantedRate ?? .nan] + calibration.levelMeans
    let scale = calibration.mapScale
    let thresholds: [Float] = [
      calibration.threshold, calibration.reviewThreshold ?? .nan, calibration.lowSide?.threshold ?? .nan,
      calibration.meanThreshold ?? .nan, scale.threshold, scale.low, scale.high,
    ]
    let tried = StrangeFrame.allCases.flatMap {
      calibration.strangeScores[$0, default: []] + calibration.strangeMeans[$0, default: []]
    }
    numbers += (thresholds + calibration.scores + calibration.defectiveScores + tried).map { Double($0) }
    return bits(numbers.map(\.bitPattern))
  }
}
