import Basics

/// The masks of a folder of defective images: image files of the image's own name or with `_mask` behind it.
struct MaskFolder {
  private let folder: Folder
  /// From an image's name without ending to its mask's name.
  private var names: [String: String] = [:]

  /// - Returns: nil when there is no such folder.
  init?(_ folder: Folder) throws(Failure) {
    guard folder.exists else { return nil }
    self.folder = folder
    for name in try folder.images {
      let stem = name.stem
      names[stem.hasSuffix("_mask") ? String(stem.dropLast(5)) : stem] = name
    }
  }

  /// Fails with `.format` when there is none: a set that lacks single masks is damaged.
  func mask(of image: String) throws(Failure) -> Sample.Mask {
    guard let name = names[image.stem] else { throw Failure(.format, "\(folder.path): there is no mask of \(image)") }
    return .image("\(folder.path)/\(name)")
  }
}
