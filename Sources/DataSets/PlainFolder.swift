import Basics

/// A folder that does not tell training from test images:
///
///     good/NAME.png
///     defective/NAME.png              or any other names, one for each kind of defect
///     masks/NAME.png                  or NAME_mask.png, or in a folder of the kind's name; or no masks
///
/// Good images serve training and test alike: on what a detector was trained on it does better than on others.
enum PlainFolder {
  private static let maskFolders = ["masks", "ground_truth"]

  static func isLayout(_ path: String) -> Bool { (Folder(path) / Sample.good).exists }

  static func classes(_ path: String, _ part: DataSet.Part) throws(Failure) -> [DataSet.ImageClass] {
    let root = Folder(path)
    var samples: [Sample] = []
    for kind in try root.folders where !maskFolders.contains(kind) {
      if part == .training, kind != Sample.good { continue }
      let masks = kind == Sample.good ? nil : try self.masks(root, kind)
      for name in try (root / kind).images {
        samples.append(
          Sample(image: "\((root / kind).path)/\(name)", defect: kind, mask: try masks?.mask(of: name) ?? .missing))
      }
    }
    return [DataSet.ImageClass(name: root.name, samples: samples)]
  }

  private static func masks(_ root: Folder, _ kind: String) throws(Failure) -> MaskFolder? {
    for name in maskFolders {
      if let masks = try MaskFolder(root / name / kind) { return masks }
      if let masks = try MaskFolder(root / name) { return masks }
    }
    return nil
  }
}
