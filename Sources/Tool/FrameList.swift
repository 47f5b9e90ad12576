import Basics
import FoundationEssentials
import ImageFiles

/// The image files that a command line names: files as they are, folders as the image files directly in them.
struct FrameList {
  /// Sorted by path, each once.
  private(set) var paths: [String] = []
  /// What was wrong with arguments that gave no file.
  private(set) var failures: [Failure] = []

  init(_ arguments: [String]) {
    var found: Set<String> = []
    for argument in arguments {
      do throws(Failure) {
        found.formUnion(try Self.expand(argument))
      } catch {
        failures.append(error)
      }
    }
    paths = found.sorted()
  }

  /// The same, but fails with the first argument that gives no file.
  static func all(_ arguments: [String]) throws(Failure) -> [String] {
    let files = FrameList(arguments)
    if let failure = files.failures.first { throw failure }
    return files.paths
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
