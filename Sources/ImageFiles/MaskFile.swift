import Basics
import Imaging
import PNG

/// A ground truth mask: an image file that says of each pixel whether it is defective.
package struct MaskFile {
  package let width: Int
  package let height: Int
  /// Height x width.
  private let isDefective: [Bool]

  package subscript(_ pixel: Int) -> Bool { isDefective[pixel] }

  /// Pixels that are not black are defective. Any value above 0 counts, so that masks of 0 and 1, or of labels, work
  /// too. In a lossy file (JPEG, lossy WebP), in which black is not quite black, pixels of at least half of white are
  /// defective. In a PNG file with alpha transparent pixels are not; where all pixels have one colour and some are
  /// transparent, alpha alone decides.
  ///
  /// Errors: those of ``ImageFile/read(path:)``.
  package init(path: String) throws(Failure) {
    let picture = try ImageFile.read(path: path)
    let count = picture.width * picture.height
    width = picture.width
    height = picture.height
    switch try ImageFile.Kind(path: path) {
    case .jpeg, .lossyWebP:
      let channels = picture.isGray ? 1 : 3
      let bytes = picture.bytes
      isDefective = (0..<count).map { pixel in
        bytes[pixel * channels..<(pixel + 1) * channels].contains { $0 >= 128 }
      }
    case let kind:
      // The file may have been replaced meanwhile, so that the alpha may not fit.
      if kind == .png, let alpha = try PNG.readAlpha(path: path), (alpha.width, alpha.height) == (width, height) {
        let isShape = alpha.bytes.contains(0) && picture.isOneColor
        isDefective = (0..<count).map { !alpha.isBlack($0) && (isShape || !picture.isBlack($0)) }
      } else {
        isDefective = (0..<count).map { !picture.isBlack($0) }
      }
    }
  }
}

extension Picture {
  fileprivate var isOneColor: Bool {
    let size = shape.bytesPerPixel
    return bytes.indices.dropFirst(size).allSatisfy { bytes[$0] == bytes[$0 - size] }
  }
}
