/// Keeps the ``capacity`` most recently used objects, e.g. the tables for the last few frame sizes.
package struct LRUCache<Element: AnyObject> {
  /// The latest first.
  private var elements: [Element] = []

  private static var capacity: Int { 4 }

  package init() { elements.reserveCapacity(Self.capacity) }

  /// Returns the cached element, or makes it and evicts the least recently used one.
  package mutating func element(
    where isWanted: (Element) -> Bool, orMake make: () throws(Failure) -> Element
  ) throws(Failure) -> Element {
    for place in elements.indices where isWanted(elements[place]) {
      let element = elements[place]
      // Not by swapAt, which allocates where the compiler does not know the type.
      for index in stride(from: place, to: 0, by: -1) { elements[index] = elements[index - 1] }
      elements[0] = element
      return element
    }
    // Frees the old memory before the new is allocated.
    if elements.count == Self.capacity { elements.removeLast() }
    let element = try make()
    elements.insert(element, at: 0)
    return element
  }
}
