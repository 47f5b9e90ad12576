import Basics
import ImageFiles

/// The masks of a folder of defective images: image files of the image's own name or with `_mask` behind it, or folders of
/// its name, whose images are joined.
struct MaskFolder {
  private let folder: Folder
  /// The paths of an image's masks by the image's name without ending.
  private var paths: [String: [String]] = [:]

  init(_ folder: Folder) throws(Failure) {
    self.folder = folder
    for name in try folder.folders { paths[name] = try (folder / name).images.map { (folder / name).file($0) } }
    for name in try folder.images {
      let stem = name.stem
      paths[stem.hasSuffix("_mask") ? String(stem.dropLast(5)) : stem] = [folder.file(name)]
    }
  }

  /// - Parameter image: the path of an image file.
  func mask(of image: String) throws(Failure) -> Sample.Mask {
    let name = image.split(separator: "/").last.map { String($0) } ?? image
    guard let paths = paths[name.stem], !paths.isEmpty else {
      return .lost("\(folder.path): there is no mask of \(name)")
    }
    return .images(paths)
  }
}
