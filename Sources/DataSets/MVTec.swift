import Basics

/// The layout of MVTec AD (P. Bergmann et al., "MVTec AD", CVPR 2019), which many other sets have too:
///
///     CLASS/train/good/NAME.png
///     CLASS/test/good/NAME.png
///     CLASS/test/DEFECT/NAME.png
///     CLASS/ground_truth/DEFECT/NAME_mask.png, or NAME.png
enum MVTec {
  /// The folder of a class, or one of classes.
  static func isLayout(_ path: String) -> Bool {
    let folder = Folder(path)
    if isClass(folder) { return true }
    let names = (try? folder.folders) ?? []
    return names.contains { isClass(folder / $0) }
  }

  private static func isClass(_ folder: Folder) -> Bool { (folder / "train" / Sample.good).exists }

  static func classes(_ path: String, _ part: DataSet.Part, className: String?) throws(Failure) -> [DataSet.ImageClass]
  {
    let root = Folder(path)
    if isClass(root) { return [try imageClass(root, part)] }
    var classes: [DataSet.ImageClass] = []
    for name in try root.folders where isClass(root / name) {
      // The others' names are for the message that there is no such class.
      let isWanted = className == nil || className == name
      classes.append(isWanted ? try imageClass(root / name, part) : DataSet.ImageClass(name: name, samples: []))
    }
    return classes
  }

  private static func imageClass(_ folder: Folder, _ part: DataSet.Part) throws(Failure) -> DataSet.ImageClass {
    var samples: [Sample] = []
    switch part {
    case .training:
      let good = folder / "train" / Sample.good
      samples = try good.images.map { Sample(image: "\(good.path)/\($0)") }
    case .test:
      for defect in try (folder / "test").folders {
        let images = folder / "test" / defect
        let masks = defect == Sample.good ? nil : try MaskFolder(folder / "ground_truth" / defect)
        for name in try images.images {
          samples.append(
            Sample(image: "\(images.path)/\(name)", defect: defect, mask: try masks?.mask(of: name) ?? .missing))
        }
      }
    }
    return DataSet.ImageClass(name: folder.name, samples: samples)
  }
}
