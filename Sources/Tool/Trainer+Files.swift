import Basics
import PNG
import Training

extension Trainer {
  /// Adds PNG files as good frames.
  func add(files: [String], role: Role) throws(Failure) {
    for path in files {
      try Interrupt.check()
      let image = try PNG.read(path: path)
      try image.withFrame { frame throws(Failure) in try add(frame, role: role) }
    }
  }
}
