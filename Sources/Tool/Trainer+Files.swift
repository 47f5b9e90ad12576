import Basics
import ImageFiles
import Training

extension Trainer {
  /// Adds image files as good frames.
  func add(files: [String], role: Role) throws(Failure) {
    for path in files {
      try Interrupt.check()
      let image = try ImageFile.read(path: path)
      do throws(Failure) {
        try image.withFrame { frame throws(Failure) in try add(frame, role: role) }
      } catch { throw error.within(path) }
    }
  }
}
