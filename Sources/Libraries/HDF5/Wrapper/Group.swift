import Basics
import CHDF5Shim

/// A group of a file that is being read.
///
/// Only hard links are followed, one component at a time, so that nothing outside of the file can be reached.
package struct Group {
  /// Its path in the file, e.g. `/flow/0`.
  package let path: String
  let handle: Handle
  let source: Source

  init(root file: Handle, source: Source) throws(Failure) {
    try self.init(parent: file, name: "/", path: "/", source: source)
  }

  private init(parent: Handle, name: String, path: String, source: Source) throws(Failure) {
    let (handle, kind) = try Self.open(name, of: parent, path: path)
    guard kind == CHDF5_OBJECT_GROUP else { throw Failure(.format, "\(path): it is not a group") }
    // libhdf5 reads a group's attributes when it is asked for them, not before.
    guard Self.isSound(chdf5_object_address(handle.id), source) else {
      throw Failure(.format, "\(path): its header is damaged")
    }
    // A filter on the links themselves could make libhdf5 look for a plug-in.
    guard chdf5_group_filter_count(handle.id) == 0 else {
      throw Failure(.unsupported, "\(path): its links are filtered, or it is damaged")
    }
    self.path = path
    self.handle = handle
    self.source = source
  }

  /// The names of its links, sorted.
  package func names() throws(Failure) -> [String] {
    let id = handle.id
    return try NameList.gather(at: path) { chdf5_each_link(id, $0, $1) }.sorted()
  }

  package func contains(_ name: String) throws(Failure) -> Bool { try link(name).kind != 0 }

  /// The file and the object in it that an external link names; nil when there is no link or one of another kind. The
  /// link is not followed.
  package func externalLink(_ name: String) throws(Failure) -> (file: String, object: String)? {
    guard try link(name).kind > 1 else { return nil }
    let size = Int(CHDF5_MAXIMUM_EXTERNAL_LINK)
    var (file, object) = ([CChar](repeating: 0, count: size), [CChar](repeating: 0, count: size))
    let found = chdf5_external_link(handle.id, name, &file, &object)
    guard found >= 0 else { throw Failure(.format, "\(pathOf(name)): its link is damaged") }
    func text(_ bytes: [CChar]) -> String? {
      String(validating: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
    guard found > 0, let file = text(file), let object = text(object) else { return nil }
    return (file, object)
  }

  package func group(_ name: String) throws(Failure) -> Group {
    _ = try hardLink(name)
    return try Group(parent: handle, name: name, path: pathOf(name), source: source)
  }

  package func dataset(_ name: String) throws(Failure) -> Dataset {
    // libhdf5 reads all of a dataset's header when it opens it.
    guard Self.isSound(try hardLink(name), source) else {
      throw Failure(.format, "\(pathOf(name)): its header is damaged")
    }
    let (handle, kind) = try Self.open(name, of: handle, path: pathOf(name))
    guard kind == CHDF5_OBJECT_DATASET else { throw Failure(.format, "\(pathOf(name)): it is not a dataset") }
    return try Dataset(handle, path: pathOf(name), source: source)
  }

  private func pathOf(_ name: String) -> String { path == "/" ? "/\(name)" : "\(path)/\(name)" }

  /// The kind of link that a name is, by ``chdf5_link_kind``, and the address of a hard link's object header.
  private func link(_ name: String) throws(Failure) -> (kind: Int32, address: UInt64) {
    guard isPlainName(name) else { throw Failure(.format, "\(path): a link in it has a name with '/' or NUL, or '.'") }
    var address = UInt64.max
    let kind = chdf5_link_kind(handle.id, name, &address)
    guard kind >= 0 else { throw Failure(.format, "\(pathOf(name)): its link is damaged") }
    return (kind, address)
  }

  /// The address of the object header that the hard link of this name leads to.
  private func hardLink(_ name: String) throws(Failure) -> UInt64 {
    let (kind, address) = try link(name)
    switch kind {
    case 1: return address
    case 0: throw Failure(.format, "\(pathOf(name)): it is missing")
    default: throw Failure(.format, "\(pathOf(name)): it is a soft or external link, which are not followed")
    }
  }

  private static func isSound(_ address: UInt64, _ source: Source) -> Bool {
    Int(exactly: address).flatMap { ObjectHeader(at: $0, in: source) }?.isSound(in: source) ?? false
  }

  private static func open(_ name: String, of parent: Handle, path: String) throws(Failure) -> (Handle, Int32) {
    var kind: Int32 = 0
    guard let handle = Handle(chdf5_open_object(parent.id, name, &kind)) else {
      throw Failure(.format, "\(path): it is damaged")
    }
    return (handle, kind)
  }
}

/// Whether libhdf5 takes a name for one link, and not for a path or a shorter name.
package func isPlainName(_ name: String) -> Bool {
  !name.isEmpty && name != "." && !name.utf8.contains { $0 == 0 || $0 == UInt8(ascii: "/") }
}
