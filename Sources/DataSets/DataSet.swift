import Basics

/// Images with the truth about them, in classes: objects, or cameras, each of which has a detector of its own.
package struct DataSet: Sendable {
  package let classes: [ImageClass]

  package struct ImageClass: Sendable, Equatable {
    package let name: String
    /// Of the part that was asked for.
    package let samples: [Sample]

    package var good: [Sample] { samples.filter { !$0.isDefective } }
  }

  /// What images are for. A layout that does not tell gives its good images to both.
  package enum Part: Sendable {
    /// Good images to learn from.
    case training
    /// Good and defective ones.
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
  ///   - report: receives a sentence when something takes long.
  /// - Throws: `.io` for files and folders, `.format` for what they hold, `.invalidArgument` for a class that is not there.
  package init(
    _ path: String, part: Part, className: String? = nil, report: (String) -> Void = { _ in }
  ) throws(Failure) {
    let classes: [ImageClass]
    if path.lowercased().hasSuffix(".csv") {
      classes = try CSVList.classes(path, part)
    } else if MVTec.isLayout(path) {
      classes = try MVTec.classes(path, part, className: className)
    } else if ShanghaiTech.isLayout(path) {
      classes = try ShanghaiTech.classes(path, part, className: className, report: report)
    } else if PlainFolder.isLayout(path) {
      classes = try PlainFolder.classes(path, part)
    } else {
      throw Failure(
        .format,
        "\(path): not a data set: a CSV file, MVTec AD's layout (train/good, test), STC's (testing/frames) or a folder good"
      )
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

  /// Whether a path looks like a data set rather than an image or a folder of images.
  package static func isDataSet(_ path: String) -> Bool {
    path.lowercased().hasSuffix(".csv") || MVTec.isLayout(path) || ShanghaiTech.isLayout(path)
      || PlainFolder.isLayout(path)
  }
}
