import Basics

/// A folder of images, or of folders of them.
package struct Folder {
  package let path: String

  package init(_ path: String) {
    self.path = path.utf8.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
  }

  /// The last part of the path, even when that is "." and the like.
  package var name: String { Self.parts(of: path).last ?? "/" }

  package var exists: Bool { Self.isFolder(path) }

  package static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path.pathBytes, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  package static func / (folder: Folder, name: String) -> Folder { Folder(folder.file(name)) }

  /// The path of an entry.
  package func file(_ name: String) -> String { path == "/" ? "/\(name)" : "\(path)/\(name)" }

  /// An entry of a folder.
  private struct Entry {
    let name: String
    let isFolder: Bool
  }

  /// The entries, without hidden ones, in ascending order of their names.
  private var entries: [Entry] {
    get throws(Failure) {
      guard let folder = opendir(path.pathBytes) else {
        let reason = strerror(errno).map { ": " + String(cString: $0) } ?? ""
        throw Failure(.io, "\(path): the folder cannot be read\(reason)")
      }
      defer { closedir(folder) }
      var entries: [Entry] = []
      while let entry = readdir(folder) {
        let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in String(path: Array(bytes.prefix { $0 != 0 })) }
        guard !name.hasPrefix(".") else { continue }
        // The kind is looked up where the system does not tell it, and for links, which are followed.
        let kind = Int(entry.pointee.d_type)
        let isFolder = kind == DT_REG ? false : kind == DT_DIR || Self.isFolder(file(name))
        entries.append(Entry(name: name, isFolder: isFolder))
      }
      return entries.sorted { $0.name < $1.name }
    }
  }

  /// Names of files in it, in ascending order.
  package var files: [String] {
    get throws(Failure) { try entries.filter { !$0.isFolder }.map(\.name) }
  }

  /// Names of folders in it, in ascending order.
  package var folders: [String] {
    get throws(Failure) { try entries.filter(\.isFolder).map(\.name) }
  }

  /// Names of image files in it, in ascending order: including formats that are not read.
  package var images: [String] {
    get throws(Failure) { try files.filter { ImageFile.isName($0) } }
  }

  /// The number of image files in it and in the folders within, down to a depth that no data set has. A folder that
  /// cannot be read has none.
  package func imageCount(depth: Int = 8) -> Int {
    guard depth > 0, let entries = try? entries else { return 0 }
    return entries.reduce(0) {
      $0 + ($1.isFolder ? (self / $1.name).imageCount(depth: depth - 1) : ImageFile.isName($1.name) ? 1 : 0)
    }
  }

  /// The folders within that hold images, and how many each has.
  package var imageFolders: [(name: String, count: Int)] {
    ((try? folders) ?? []).map { ($0, (self / $0).imageCount()) }.filter { $0.count > 0 }
  }

  /// The parts of a path, made absolute and without "." and "..".
  package static func parts(of path: String) -> [String] {
    var parts: [String] = []
    for part in (path.hasPrefix("/") ? path : "\(currentPath)/\(path)").split(separator: "/") where part != "." {
      if part == ".." { _ = parts.popLast() } else { parts.append(String(part)) }
    }
    return parts
  }

  private static var currentPath: String {
    guard let path = getcwd(nil, 0) else { return "" }
    defer { free(path) }
    return String(path: path)
  }

  /// Makes the folder, and those that it is in, where they are missing. Fails with `io`.
  package func make() throws(Failure) {
    guard !exists else { return }
    if let slash = path.lastIndex(of: "/"), slash != path.startIndex { try Folder(String(path[..<slash])).make() }
    guard mkdir(path.pathBytes, 0o777) == 0 || errno == EEXIST && exists else {
      throw Failure(.io, "\(path): the folder cannot be made")
    }
  }

  /// Removes the folder with its files. Fails with `io`, also when it holds folders or hidden files; its other files are gone then.
  package func remove() throws(Failure) {
    for name in try files { unlink(file(name).pathBytes) }
    guard rmdir(path.pathBytes) == 0 else { throw Failure(.io, "\(path): the folder cannot be removed") }
  }
}

extension String {
  /// A file's name without its ending.
  package var stem: String { lastIndex(of: ".").map { String(self[..<$0]) } ?? self }
}
