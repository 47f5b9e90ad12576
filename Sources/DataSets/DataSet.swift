import Basics
import ImageFiles

/// Labelled images in classes: objects, or cameras, each of which has a detector of its own.
package struct DataSet: Sendable {
  package let classes: [ImageClass]

  package struct ImageClass: Sendable, Equatable {
    package let name: String
    /// The samples of the part that was asked for.
    package let samples: [Sample]

    package var good: [Sample] { samples.filter { !$0.isDefective } }
    package var defective: [Sample] { samples.filter(\.isDefective) }
  }

  /// What images are for. In a layout that does not tell, good images serve both.
  package enum Part: Sendable {
    /// Good images to train on.
    case training
    /// Good and defective images to measure on.
    case test
  }

  /// Opens a data set of any known layout:
  ///
  /// - a `.csv` file, see ``CSVList``;
  /// - MVTec AD, the folder of all classes or that of one, see ``MVTec``;
  /// - STC, see ``ShanghaiTech``;
  /// - a folder with a folder `good`, see ``PlainFolder``.
  ///
  /// - Parameters:
  ///   - className: only the class of this name.
  ///   - report: receives a sentence when something takes long, and for images that are left out.
  /// - Throws: `.io` for files and folders, `.format` for what they hold, `.invalidArgument` for a class that is not there.
  package init(
    _ path: String, part: Part, className: String? = nil, report: (String) -> Void = { _ in }
  ) throws(Failure) {
    let classes: [ImageClass]
    if Self.isList(path) {
      classes = try CSVList.classes(path, part)
    } else if MVTec.isLayout(path) {
      classes = try MVTec.classes(path, part, className: className, report: report)
    } else if ShanghaiTech.isLayout(path) {
      classes = try ShanghaiTech.classes(path, part, className: className, report: report)
    } else if PlainFolder.isLayout(path) {
      classes = try PlainFolder.classes(path, part, report: report)
    } else {
      throw Self.unknownLayout(path)
    }
    guard let className else {
      self.classes = classes
      return
    }
    self.classes = classes.filter { $0.name == className }
    if self.classes.isEmpty {
      throw Failure(
        .invalidArgument,
        "\(path): there is no class \(className); it has \(classes.map(\.name).joined(separator: ", "))")
    }
  }

  /// Whether a path is a data set rather than an image or a folder of images. A folder that has images directly in it is not.
  package static func isDataSet(_ path: String) -> Bool {
    if isList(path) { return true }
    let folder = Folder(path)
    guard folder.exists, (try? folder.images)?.isEmpty != false else { return false }
    return MVTec.isLayout(path) || ShanghaiTech.isLayout(path) || PlainFolder.isLayout(path)
  }

  private static func isList(_ path: String) -> Bool { path.lowercased().hasSuffix(".csv") }

  private static func unknownLayout(_ path: String) -> Failure {
    let folder = Folder(path)
    guard folder.exists else { return Failure(.io, "\(path): there is no such folder or CSV file") }
    let names = (try? folder.folders) ?? []
    let found = names.isEmpty ? "no folders" : "the folders \(names.prefix(12).joined(separator: ", "))"
    return Failure(
      .format,
      "\(path): not a data set: it holds \(found)\(names.count > 12 ? " and more" : ""), but neither train/good and test "
        + "(MVTec AD), nor testing/frames (STC), nor a folder good, ok or normal")
  }
}

extension Folder {
  /// The paths of the image files directly in it. Reports when there are none, and when folders within hold images that
  /// are left out.
  func imageFiles(report: (String) -> Void) throws(Failure) -> [String] {
    let images = try images
    let within = imageFolders.reduce(0) { $0 + $1.count }
    if within > 0 {
      report("\(path): \(images.isEmpty ? "no images directly in it; " : "")\(within) in folders within it left out")
    } else if images.isEmpty {
      report("\(path) holds no images")
    }
    return images.map { file($0) }
  }

  /// Reports images directly in a folder where the layout has only folders.
  func reportStrays(_ report: (String) -> Void) throws(Failure) {
    let count = try images.count
    if count > 0 { report("\(path): \(count == 1 ? "an image" : "\(count) images") beside its folders left out") }
  }

  /// The first folder that has one of these names, in small or capital letters.
  func folder(_ names: String...) -> Folder? {
    let all = (try? folders) ?? []
    for name in names { if let found = all.first(where: { $0.lowercased() == name }) { return self / found } }
    return nil
  }
}
