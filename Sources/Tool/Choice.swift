import ArgumentParser

/// A type whose values have names on the command line.
protocol Named: CaseIterable {
  var name: String { get }
}

/// A value of a type, by its name. The types are not arguments themselves, because ArgumentParser's help would show
/// their raw values, which are the numbers of the C header.
struct Choice<Value: Named>: ExpressibleByArgument {
  let value: Value

  init(_ value: Value) { self.value = value }

  init?(argument: String) {
    guard let value = Value.allCases.first(where: { $0.name == argument }) else { return nil }
    self.value = value
  }

  var defaultValueDescription: String { value.name }

  static var allValueStrings: [String] { Value.allCases.map(\.name) }
}
