import Basics
import ImageFiles

/// A folder that does not tell training from test images:
///
///     good/NAME.png                   or ok, normal, in small or capital letters defective/NAME.png              or any other
///     names, one for each kind of defect masks/NAME.png                  or NAME_mask.png, or in a folder of the kind's name;
///     or no masks
///
/// Good images serve both training and test, which flatters a detector, since it does better on images that it was trained on.
enum PlainFolder {
  private static let maskFolders = ["masks", "ground_truth"]

  static func isLayout(_ path: String) -> Bool {
    ((try? Folder(path).folders) ?? []).contains { Sample.isGood($0) }
  }

  static func classes(
    _ path: String, _ part: DataSet.Part, report: (String) -> Void
  ) throws(Failure) -> [DataSet.ImageClass] {
    let root = Folder(path)
    try root.reportStrays(report)
    var samples: [Sample] = []
    for kind in try root.folders where !maskFolders.contains(kind.lowercased()) {
      let isGood = Sample.isGood(kind)
      if part == .training, !isGood { continue }
      let masks = isGood ? nil : try self.masks(root, kind)
      for image in try (root / kind).imageFiles(report: report) {
        samples.append(
          isGood
            ? Sample(image: image) : Sample(image: image, defect: kind, mask: try masks?.mask(of: image) ?? .missing))
      }
    }
    return [DataSet.ImageClass(name: root.name, samples: samples)]
  }

  private static func masks(_ root: Folder, _ kind: String) throws(Failure) -> MaskFolder? {
    guard let masks = root.folder("masks", "ground_truth") else { return nil }
    return try MaskFolder((masks / kind).exists ? masks / kind : masks)
  }
}
