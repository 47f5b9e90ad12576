import Basics
import CPicture
import Glibc
import Imaging

extension Picture {
  /// What a shim makes of a file.
  package init(
    path: String, decode: (UnsafePointer<CChar>, UnsafeMutablePointer<cpicture>) -> Void
  ) throws(Failure) {
    guard !path.utf8.contains(0) else { throw Failure(.io, "a path holds a NUL character") }
    var decoded = cpicture()
    decode(path, &decoded)
    defer { free(decoded.pixels) }
    guard decoded.status == CPICTURE_SUCCESS, let pixels = decoded.pixels else {
      throw Failure(decoded, path)
    }
    let (width, height, channels) = (Int(decoded.width), Int(decoded.height), Int(decoded.channels))
    self.init(
      width: width, height: height, isGray: channels == 1,
      pixels: Array(UnsafeBufferPointer(start: pixels, count: width * height * channels)))
  }
}

extension Failure {
  fileprivate init(_ picture: cpicture, _ path: String) {
    let kind: Failure.Kind =
      switch picture.status {
      case CPICTURE_IO: .io
      case CPICTURE_UNSUPPORTED: .unsupported
      case CPICTURE_MEMORY: .outOfMemory
      default: .format
      }
    let text = withUnsafeBytes(of: picture.message) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    self.init(kind, "\(path): \(text)")
  }
}
