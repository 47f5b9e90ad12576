import Basics
import DataSets
import FoundationEssentials
import ImageFiles

/// The image files that a command line names: files as they are, folders as the image files directly in them, data sets
/// as the images that the command wants of them.
struct FrameList {
  /// Which images of a data set.
  enum Choice {
    /// The good ones of the training part.
    case training
    /// The good ones of the test part.
    case goodTest
    /// All of the test part.
    case test
  }

  /// Sorted by path, each once.
  private(set) var paths: [String] = []
  /// What was wrong with arguments that gave no file.
  private(set) var failures: [Failure] = []

  /// - Parameter className: the only class of data sets that is wanted.
  init(_ arguments: [String], of choice: Choice, className: String?) {
    var found: Set<String> = []
    for argument in arguments {
      do throws(Failure) {
        let isSet = DataSet.isDataSet(argument)
        found.formUnion(try isSet ? Self.images(argument, choice, className) : Self.expand(argument))
      } catch {
        failures.append(error)
      }
    }
    paths = found.sorted()
  }

  /// The same, but fails with the first argument that gives no file.
  static func all(_ arguments: [String], of choice: Choice, className: String?) throws(Failure) -> [String] {
    let files = FrameList(arguments, of: choice, className: className)
    if let failure = files.failures.first { throw failure }
    return files.paths
  }

  private static func images(_ path: String, _ choice: Choice, _ className: String?) throws(Failure) -> [String] {
    let set = try DataSet(
      path, part: choice == .training ? .training : .test, className: className, report: { Output.note($0) })
    // A detector knows one kind of part; to score several by one is not wrong.
    guard choice == .test || set.classes.count == 1 else {
      throw Failure(
        .invalidArgument, "\(path): choose one by --class: \(set.classes.map(\.name).joined(separator: ", "))")
    }
    let images = set.classes.flatMap { choice == .test ? $0.samples : $0.good }.map(\.image)
    guard !images.isEmpty else { throw Failure(.io, "\(path): the data set has no such images") }
    return images
  }

  private static func expand(_ argument: String) throws(Failure) -> [String] {
    var isFolder = false
    guard FileManager.default.fileExists(atPath: argument, isDirectory: &isFolder) else {
      throw Failure(.io, "\(argument): there is no such file or folder")
    }
    guard isFolder else { return [argument] }
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: argument)
    } catch {
      throw Failure(.io, "\(argument): the folder cannot be read")
    }
    let images = names.filter { ImageFile.isName($0) }
    guard !images.isEmpty else { throw Failure(.io, "\(argument): there are no images in this folder") }
    let folder = argument.hasSuffix("/") ? argument : argument + "/"
    return images.map { folder + $0 }
  }
}
