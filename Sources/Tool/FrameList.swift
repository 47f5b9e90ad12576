import Basics
import DataSets
import ImageFiles

/// The image files that a command line names. A folder stands for the image files directly in it, and a data set for
/// those images of it that the command needs.
struct FrameList {
  /// Which images of a data set are needed.
  enum Choice {
    /// The good ones of the training part.
    case training
    /// The good ones of the test part.
    case goodTest
    /// The defective ones of the test part.
    case defectiveTest
    /// All of the test part.
    case test
  }

  /// Sorted by path, each file once.
  private(set) var paths: [String] = []
  /// Why some arguments gave no file.
  private(set) var failures: [Failure] = []

  /// - Parameters:
  ///   - className: the only class of data sets that is wanted.
  ///   - report: receives a sentence for images that are left out, and when something takes long.
  init(
    _ arguments: [String], of choice: Choice, className: String?, report: (String) -> Void = { Output.note($0) }
  ) {
    let named = Set(arguments.map { Folder.parts(of: $0) })
    var found: Set<String> = []
    for argument in arguments {
      do throws(Failure) {
        let isSet = DataSet.isDataSet(argument)
        found.formUnion(
          try isSet ? Self.images(argument, choice, className, report) : Self.expand(argument, named, report))
      } catch {
        failures.append(error)
      }
    }
    // "a.png" and "./a.png" are the same.
    var known: Set<[String]> = []
    paths = found.sorted().filter { known.insert(Folder.parts(of: $0)).inserted }
  }

  /// The files of all arguments. Fails with the first argument that gives no file.
  static func all(_ arguments: [String], of choice: Choice, className: String?) throws(Failure) -> [String] {
    let files = FrameList(arguments, of: choice, className: className)
    if let failure = files.failures.first { throw failure }
    return files.paths
  }

  private static func images(
    _ path: String, _ choice: Choice, _ className: String?, _ report: (String) -> Void
  ) throws(Failure) -> [String] {
    let set = try DataSet(path, part: choice == .training ? .training : .test, className: className, report: report)
    // A detector knows one kind of part. Only scoring several kinds by it makes sense.
    guard choice == .test || set.classes.count == 1 else {
      throw Failure(
        .invalidArgument, "\(path): choose one by --class: \(set.classes.map(\.name).joined(separator: ", "))")
    }
    let images = set.classes.flatMap { imageClass in
      switch choice {
      case .training, .goodTest: imageClass.good
      case .defectiveTest: imageClass.defective
      case .test: imageClass.samples
      }
    }.map(\.image)
    guard !images.isEmpty else { throw Failure(.io, "\(path): the data set has no such images") }
    return images
  }

  /// - Parameter named: the parts of all arguments' paths: what is left out of a folder is used when it is an argument itself.
  private static func expand(
    _ argument: String, _ named: Set<[String]>, _ report: (String) -> Void
  ) throws(Failure) -> [String] {
    guard access(argument.pathBytes, F_OK) == 0 else {
      throw Failure(.io, "\(argument): there is no such file or folder")
    }
    let folder = Folder(argument)
    guard folder.exists else { return [argument] }
    let images = try folder.images
    let others = folder.imageFolders.filter { !named.contains(Folder.parts(of: folder.file($0.name))) }
    let count = others.reduce(0) { $0 + $1.count }
    let within =
      "in the folders \(others.prefix(8).map(\.name).joined(separator: ", "))\(others.count > 8 ? " ..." : "")"
    guard !images.isEmpty else {
      throw Failure(
        .io,
        "\(argument): there are no images in this folder" + (count > 0 ? ", but \(count) \(within): name these" : ""))
    }
    if count > 0 {
      report(
        "\(argument): \(String(count, of: "image")) \(within) within it left out; name a folder to have its images")
    }
    return images.map { folder.file($0) }
  }
}
