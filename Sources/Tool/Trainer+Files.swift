import Basics
import ImageFiles
import Training

extension Trainer {
  /// Adds image files. Reports each one that cannot be used and goes on with the others, so that all are known before
  /// the command fails.
  func add(_ files: [(paths: [String], role: FrameRole)], _ display: ProgressDisplay) throws(Failure) {
    var failures: [Failure] = []
    var progress = Progress("reading", total: files.reduce(0) { $0 + $1.paths.count })
    for (paths, role) in files {
      for path in paths {
        try Interrupt.check()
        do throws(Failure) {
          try add(path, role)
        } catch {
          failures.append(error)
          if failures.count <= Self.reportedCount { display.note(error.message) }
        }
        progress.done += 1
        display.show(progress)
      }
    }
    guard failures.isEmpty else {
      let kind = failures[0].kind
      let count = String(failures.count, of: "image")
      throw Failure(
        kind,
        "\(count) of \(progress.total) cannot be used"
          + (failures.count > Self.reportedCount ? "; the first \(Self.reportedCount) are named above" : ""))
    }
  }

  /// How many files are reported at most, so that a folder of wrong files does not fill the screen.
  private static var reportedCount: Int { 20 }

  private func add(_ path: String, _ role: FrameRole) throws(Failure) {
    let image = try ImageFile.read(path: path)
    do throws(Failure) {
      try image.withFrame { frame throws(Failure) in try add(frame, role: role, name: path.shown) }
    } catch { throw error.within(path) }
  }
}
