import Basics
import FoundationEssentials
import ImageFiles

/// A folder of a data set.
struct Folder {
  let path: String

  init(_ path: String) { self.path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path }

  /// The last part of the path, also of "." and the like.
  var name: String {
    let absolute = path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
    var parts: [Substring] = []
    for part in absolute.split(separator: "/") where part != "." {
      if part == ".." { _ = parts.popLast() } else { parts.append(part) }
    }
    return parts.last.map { String($0) } ?? "/"
  }

  var exists: Bool { Self.isFolder(path) }

  static func isFolder(_ path: String) -> Bool {
    var isFolder = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder
  }

  static func / (folder: Folder, name: String) -> Folder { Folder("\(folder.path)/\(name)") }

  /// Names of what is in it, hidden ones left out, in ascending order.
  var names: [String] {
    get throws(Failure) {
      do {
        return try FileManager.default.contentsOfDirectory(atPath: path).filter { !$0.hasPrefix(".") }.sorted()
      } catch {
        throw Failure(.io, "\(path): the folder cannot be read")
      }
    }
  }

  /// Names of folders in it.
  var folders: [String] {
    get throws(Failure) { try names.filter { Self.isFolder("\(path)/\($0)") } }
  }

  /// Names of image files in it.
  var images: [String] {
    get throws(Failure) { try names.filter { ImageFile.isName($0) } }
  }
}

extension String {
  /// A file's name without its ending.
  var stem: String { lastIndex(of: ".").map { String(self[..<$0]) } ?? self }
}
