@preconcurrency import CHDF5
import Foundation
import Testing

/// Changes a good model file by libhdf5 itself.
struct Editor {
  let file: hid_t

  /// The sample's bytes after `edit`.
  static func edited(_ edit: (Editor) throws -> Void) throws -> [UInt8] {
    let folder = try TemporaryFolder()
    let path = folder.path("edited.h5")
    try Data(try bytes(of: sample())).write(to: URL(fileURLWithPath: path))
    let editor = Editor(file: H5Fopen(path, UInt32(H5F_READ_WRITE), 0))
    try #require(editor.file >= 0)
    try edit(editor)
    try #require(H5Fclose(editor.file) >= 0)
    return [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
  }

  /// `H5F_ACC_RDWR`, a macro that Swift does not see.
  private static let H5F_READ_WRITE = 1

  func unlink(_ path: String) throws { try #require(H5Ldelete(file, path, 0) >= 0) }

  func removeAttribute(_ name: String, of path: String) throws {
    try #require(H5Adelete_by_name(file, path, name, 0) >= 0)
  }

  func group(_ path: String) throws { try #require(H5Gclose(H5Gcreate2(file, path, 0, 0, 0)) >= 0) }

  func hardLink(_ path: String, to target: String) throws {
    try #require(H5Lcreate_hard(file, target, file, path, 0, 0) >= 0)
  }

  func softLink(_ path: String, to target: String) throws {
    try #require(H5Lcreate_soft(target, file, path, 0, 0) >= 0)
  }

  func externalLink(_ path: String, to other: String) throws {
    try #require(H5Lcreate_external(other, "/", file, path, 0, 0) >= 0)
  }

  /// Sets an attribute to numbers, as doubles or as integers.
  func set(
    _ name: String, of path: String, _ values: [Double], asInteger: Bool = false, extents: [hsize_t]? = nil
  ) throws {
    _ = H5Adelete_by_name(file, path, name, 0)
    var extents = extents ?? [hsize_t(values.count)]
    let space = H5Screate_simple(Int32(extents.count), &extents, nil)
    let type = asInteger ? H5T_STD_I16LE_g : H5T_IEEE_F64LE_g
    let attribute = H5Acreate_by_name(file, path, name, type, space, 0, 0, 0)
    try #require(attribute >= 0)
    try #require(H5Awrite(attribute, H5T_NATIVE_DOUBLE_g, values) >= 0)
    H5Aclose(attribute)
    H5Sclose(space)
  }

  /// Sets an attribute to text of fixed length.
  func set(_ name: String, of path: String, bytes text: [UInt8], count: hsize_t = 1) throws {
    _ = H5Adelete_by_name(file, path, name, 0)
    let type = H5Tcopy(H5T_C_S1_g)
    H5Tset_size(type, text.count / Int(count))
    var extents = [count]
    let space = H5Screate_simple(1, &extents, nil)
    let attribute = H5Acreate_by_name(file, path, name, type, space, 0, 0, 0)
    try #require(attribute >= 0)
    try #require(H5Awrite(attribute, type, text) >= 0)
    H5Aclose(attribute)
    H5Sclose(space)
    H5Tclose(type)
  }

  func set(_ name: String, of path: String, _ text: String) throws { try set(name, of: path, bytes: Array(text.utf8)) }

  /// A dataset, without values unless they are given, in place of what was there.
  func dataset(
    _ path: String, _ extents: [hsize_t], type: hid_t = H5T_IEEE_F32LE_g, values: [Double]? = nil,
    _ configure: (hid_t) throws -> Void = { _ in }
  ) throws {
    _ = H5Ldelete(file, path, 0)
    var extents = extents
    let creation = H5Pcreate(H5P_CLS_DATASET_CREATE_ID_g)
    try configure(creation)
    let space = H5Screate_simple(Int32(extents.count), &extents, nil)
    let dataset = H5Dcreate2(file, path, type, space, 0, creation, 0)
    try #require(dataset >= 0)
    if let values { try #require(H5Dwrite(dataset, H5T_NATIVE_DOUBLE_g, 0, 0, 0, values) >= 0) }
    H5Dclose(dataset)
    H5Sclose(space)
    H5Pclose(creation)
  }
}
