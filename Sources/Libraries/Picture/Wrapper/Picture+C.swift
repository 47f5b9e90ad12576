import Basics
import CPicture
import Imaging

extension Picture {
  /// The picture that a shim makes of a file.
  package init(
    path: String, decode: (UnsafePointer<CChar>, UnsafeMutablePointer<cpicture>) -> Void
  ) throws(Failure) {
    var decoded = cpicture()
    decode(path.pathBytes, &decoded)
    guard decoded.status == CPICTURE_SUCCESS, let pixels = decoded.pixels else {
      free(decoded.pixels)
      throw Failure(decoded, path)
    }
    self.init(Shape(decoded), taking: pixels)
  }
}

extension Picture.Shape {
  /// The shape that a shim reads from a file's header.
  package init(
    path: String, decode: (UnsafePointer<CChar>, UnsafeMutablePointer<cpicture>) -> Void
  ) throws(Failure) {
    var decoded = cpicture()
    decoded.is_size_only = 1
    decode(path.pathBytes, &decoded)
    guard decoded.status == CPICTURE_SUCCESS else { throw Failure(decoded, path) }
    self.init(decoded)
  }

  fileprivate init(_ decoded: cpicture) {
    self.init(
      width: Int(decoded.width), height: Int(decoded.height), isGray: decoded.channels == 1,
      bitsPerSample: Int(decoded.bits))
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
