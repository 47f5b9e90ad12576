import Basics
import ImageFiles

/// The layout of MVTec AD (P. Bergmann et al., "MVTec AD", CVPR 2019), which many other sets have too:
///
///     CLASS/train/good/NAME.png CLASS/test/good/NAME.png CLASS/test/DEFECT/NAME.png
///     CLASS/ground_truth/DEFECT/NAME_mask.png, or NAME.png, or NAME/*.png (MVTec LOCO AD: they are joined)
///
/// Folders of good images may have any of the names of ``Sample/isGood(_:)``. MVTec AD 2 has `test_public` for `test`,
/// with `ground_truth` in it; its private parts come without masks, and are left out.
enum MVTec {
  private static let groundTruth = "ground_truth"

  /// Whether a path is the folder of a class, or one of classes.
  static func isLayout(_ path: String) -> Bool {
    let folder = Folder(path)
    if isClass(folder) { return true }
    let names = (try? folder.folders) ?? []
    return names.contains { isClass(folder / $0) }
  }

  private static func isClass(_ folder: Folder) -> Bool { !goodFolders(folder.folder("train")).isEmpty }

  private static func goodFolders(_ folder: Folder?) -> [Folder] {
    guard let folder, let names = try? folder.folders else { return [] }
    return names.filter { Sample.isGood($0) }.map { folder / $0 }
  }

  static func classes(
    _ path: String, _ part: DataSet.Part, className: String?, report: (String) -> Void
  ) throws(Failure) -> [DataSet.ImageClass] {
    let root = Folder(path)
    try root.reportStrays(report)
    if isClass(root) { return [try imageClass(root, part, report)] }
    var classes: [DataSet.ImageClass] = []
    for name in try root.folders where isClass(root / name) {
      // The names of the other classes are needed for the message that there is no such class.
      let isWanted = className == nil || className == name
      if isWanted { try (root / name).reportStrays(report) }
      classes.append(isWanted ? try imageClass(root / name, part, report) : DataSet.ImageClass(name: name, samples: []))
    }
    return classes
  }

  private static func imageClass(
    _ folder: Folder, _ part: DataSet.Part, _ report: (String) -> Void
  ) throws(Failure) -> DataSet.ImageClass {
    var samples: [Sample] = []
    switch part {
    case .training:
      try folder.folder("train")?.reportStrays(report)
      for good in goodFolders(folder.folder("train")) {
        samples += try good.imageFiles(report: report).map { Sample(image: $0) }
      }
    case .test:
      guard let test = folder.folder("test", "test_public") else {
        throw Failure(.format, "\(folder.path): there is no folder test or test_public in it")
      }
      try test.reportStrays(report)
      for other in folder.imageFolders where ![test.name, groundTruth].contains(other.name) {
        if other.name.lowercased() != "train" {
          report("\(folder.path)/\(other.name): its \(other.count) images left out")
        }
      }
      for kind in try test.folders where kind != groundTruth {
        samples += try self.samples(
          test / kind, kind, [test / groundTruth / kind, folder / groundTruth / kind], report)
      }
    }
    return DataSet.ImageClass(name: folder.name, samples: samples)
  }

  /// - Parameter masks: the folders that may hold the masks.
  private static func samples(
    _ folder: Folder, _ kind: String, _ masks: [Folder], _ report: (String) -> Void
  ) throws(Failure) -> [Sample] {
    let images = try folder.imageFiles(report: report)
    if Sample.isGood(kind) { return images.map { Sample(image: $0) } }
    let masks = try masks.first { $0.exists }.map { (folder) throws(Failure) in try MaskFolder(folder) }
    return try images.map { (image) throws(Failure) in
      Sample(image: image, defect: kind, mask: try masks?.mask(of: image) ?? .missing)
    }
  }
}
