import Basics
import CHDF5Shim

// Attributes may be of any width, scalars or arrays of one element, their text of fixed or variable length.
extension Group {
  /// The longest text, and the largest array of an attribute in bytes. A longer text would not fit in an object header.
  package static let maximumTextBytes = 60_000

  /// The names of its attributes, sorted.
  package func attributeNames() throws(Failure) -> [String] {
    let id = handle.id
    return try NameList.gather(at: path) { chdf5_each_attribute(id, $0, $1) }.sorted()
  }

  package func hasAttribute(_ name: String) throws(Failure) -> Bool {
    let exists = name.utf8.contains(0) ? -1 : chdf5_has_attribute(handle.id, name)
    guard exists >= 0 else { throw Failure(.format, "\(path): the attribute \(name) is damaged") }
    return exists > 0
  }

  package func hasText(_ name: String) throws(Failure) -> Bool {
    let kind = Int(try attribute(name).info.kind)
    return kind == CHDF5_KIND_TEXT || kind == CHDF5_KIND_VARIABLE_TEXT
  }

  /// An integer attribute; one beyond 64 bits becomes the nearest value within.
  package func integer(_ name: String) throws(Failure) -> Int {
    let attribute = try attribute(name)
    guard attribute.info.kind == CHDF5_KIND_INTEGER else { throw wrong(name, "is not an integer") }
    return Int(try single(name, numbers(name, attribute, of: Int64.self)))
  }

  package func number(_ name: String) throws(Failure) -> Double { try single(name, numbers(name)) }

  package func numbers(_ name: String) throws(Failure) -> [Double] {
    let attribute = try attribute(name)
    guard attribute.info.kind == CHDF5_KIND_FLOAT || attribute.info.kind == CHDF5_KIND_INTEGER else {
      throw wrong(name, "is not a number")
    }
    return try numbers(name, attribute, of: Double.self)
  }

  package func text(_ name: String) throws(Failure) -> String { try single(name, texts(name)) }

  package func texts(_ name: String) throws(Failure) -> [String] {
    let attribute = try attribute(name)
    let count = Int(attribute.info.count)
    switch Int(attribute.info.kind) {
    case Int(CHDF5_KIND_TEXT): return try fixedTexts(name, attribute)
    case Int(CHDF5_KIND_VARIABLE_TEXT):
      let address = Int(exactly: chdf5_object_address(handle.id)) ?? .max
      guard let texts = VariableText(source: source).texts(of: name, count: count, header: address) else {
        throw wrong(name, "is text of variable length that is damaged, shared or in dense storage")
      }
      guard texts.allSatisfy({ $0.utf8.count <= Self.maximumTextBytes }) else { throw wrong(name, "is too long") }
      return texts
    default: throw wrong(name, "is not a text")
    }
  }

  private typealias Attribute = (handle: Handle, info: chdf5_attribute_info)

  private func attribute(_ name: String) throws(Failure) -> Attribute {
    guard try hasAttribute(name) else { throw wrong(name, "is missing") }
    var info = chdf5_attribute_info()
    guard let handle = Handle(chdf5_open_attribute(self.handle.id, name)),
      chdf5_get_attribute_info(handle.id, &info) == 0
    else { throw wrong(name, "is damaged") }
    let (bytes, overflow) = info.count.multipliedReportingOverflow(by: UInt64(info.element_size))
    guard info.rank <= 1, !overflow, bytes <= UInt64(Self.maximumTextBytes) else {
      throw wrong(name, "is too long or has several axes")
    }
    return (handle, info)
  }

  private func numbers<Element: StoredNumber & Numeric>(
    _ name: String, _ attribute: Attribute, of type: Element.Type
  ) throws(Failure) -> [Element] {
    var values = [Element](repeating: 0, count: Int(attribute.info.count))
    guard values.isEmpty || chdf5_read_attribute(attribute.handle.id, Element.code, &values) == 0 else {
      throw wrong(name, "cannot be read")
    }
    return values
  }

  private func fixedTexts(_ name: String, _ attribute: Attribute) throws(Failure) -> [String] {
    let (count, size) = (Int(attribute.info.count), attribute.info.element_size)
    var bytes = [UInt8](repeating: 0, count: count * size)
    guard bytes.isEmpty || chdf5_read_text(attribute.handle.id, &bytes) == 0 else {
      throw wrong(name, "cannot be read")
    }
    var texts: [String] = []
    for start in stride(from: 0, to: bytes.count, by: max(size, 1)) {
      var text = bytes[start..<start + size].prefix { $0 != 0 }
      if attribute.info.is_space_padded != 0 {
        while text.last == UInt8(ascii: " ") { text.removeLast() }
      }
      guard let text = String(validating: text, as: UTF8.self) else { throw wrong(name, "is not UTF-8") }
      texts.append(text)
    }
    return texts
  }

  private func single<Value>(_ name: String, _ values: [Value]) throws(Failure) -> Value {
    guard values.count == 1, let value = values.first else { throw wrong(name, "is not a single value") }
    return value
  }

  private func wrong(_ name: String, _ what: String) -> Failure {
    Failure(.format, "\(path): the attribute \(name) \(what)")
  }
}
