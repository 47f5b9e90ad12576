import Basics

/// An array file of numpy's format (NEP 1). Only whether its numbers are 0 is of interest.
final class NPYFile {
  let path: String
  /// The sizes of the axes, the last one fastest.
  let shape: [Int]
  /// The number of elements.
  let count: Int
  private let elementBytes: Int
  private let dataOffset: Int
  private let file: RegularFile

  /// Reads the header. Fails with `.io`, with `.format`, and with `.unsupported` for elements that are no plain numbers
  /// and for Fortran's order of several axes.
  init(path: String) throws(Failure) {
    file = try RegularFile(path: path)
    self.path = path
    do throws(Failure) {
      (shape, count, elementBytes, dataOffset) = try Self.header(file)
    } catch {
      throw error.within(path)
    }
  }

  private static func header(
    _ file: RegularFile
  ) throws(Failure) -> (shape: [Int], count: Int, elementBytes: Int, dataOffset: Int) {
    let head = try file.read(upTo: 12)
    guard head.count == 12, head.starts(with: [0x93] + Array("NUMPY".utf8)) else {
      throw Failure(.format, "not an array file of numpy")
    }
    // Version 1 has 2 bytes for the length of the description, later ones 4.
    let lengthBytes = head[6] == 1 ? 2 : 4
    let length = (0..<lengthBytes).reduce(0) { $0 | Int(head[8 + $1]) << (8 * $1) }
    let dataOffset = 8 + lengthBytes + length
    guard dataOffset <= file.count else { throw Failure(.format, "the file ends too early") }
    let text = String(decoding: try file.read(at: 8 + lengthBytes, upTo: length), as: UTF8.self)

    guard let type = value(of: "descr", in: text)?.dropFirst().prefix(while: { $0 != "'" }),
      let shapeText = value(of: "shape", in: text)?.dropFirst().prefix(while: { $0 != ")" })
    else { throw Failure(.format, "the array's description cannot be read") }
    guard let size = Int(type.drop { !$0.isNumber }), [1, 2, 4, 8].contains(size),
      type.count == 3, "buif".contains(type.dropFirst().prefix(1))
    else { throw Failure(.unsupported, "arrays of \(type) are not read") }
    var shape: [Int] = []
    for part in shapeText.split(separator: ",") {
      guard let side = Int(part.filter { $0 != " " }) else {
        throw Failure(.format, "the array's shape cannot be read")
      }
      shape.append(side)
    }
    if shape.count > 1, value(of: "fortran_order", in: text)?.hasPrefix("True") == true {
      throw Failure(.unsupported, "an array in Fortran's order is not read")
    }
    guard let count = checkedProduct(shape), let bytes = checkedProduct([count, size]), bytes <= file.count - dataOffset
    else { throw Failure(.format, "the file ends too early") }
    return (shape, count, size, dataOffset)
  }

  /// The text behind a key of the description, which is a Python dictionary.
  private static func value(of key: String, in text: String) -> Substring? {
    guard let range = text.firstRange(of: "'\(key)':") else { return nil }
    return text[range.upperBound...].drop { $0 == " " }
  }

  /// Whether elements of a range, counted in the order of the file, are not 0.
  func isNonzero(in range: Range<Int>) throws(Failure) -> [Bool] {
    guard range.lowerBound >= 0, range.upperBound <= count else {
      throw Failure(.format, "\(path): the elements \(range) are not within its \(count)")
    }
    let bytes: [UInt8]
    do throws(Failure) {
      bytes = try file.read(at: dataOffset + range.lowerBound * elementBytes, upTo: range.count * elementBytes)
      guard bytes.count == range.count * elementBytes else { throw Failure(.io, "the file ends too early") }
    } catch { throw error.within(path) }
    return range.indices.map { index in
      let start = (index - range.lowerBound) * elementBytes
      return bytes[start..<start + elementBytes].contains { $0 != 0 }
    }
  }
}
