import ArgumentParser

/// What has a name on the command line for each of its values.
protocol Named: CaseIterable {
  var name: String { get }
}

/// One of the values of a type, by its name. It is no enumeration itself: ArgumentParser's help shows the raw values of those,
/// which are numbers where the C header has numbers.
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
