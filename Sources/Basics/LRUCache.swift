/// The objects used last, e.g. the tables for the frame sizes that came lately: as long as there are no more than
/// ``capacity`` kinds of them, none is made twice.
package struct LRUCache<Element: AnyObject> {
  /// The latest first.
  private var elements: [Element] = []

  private static var capacity: Int { 4 }

  package init() { elements.reserveCapacity(Self.capacity) }

  /// The object that is wanted, which is made when there is none. For it the one that was not used for longest goes.
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
    // The old memory goes before the new comes.
    if elements.count == Self.capacity { elements.removeLast() }
    let element = try make()
    elements.insert(element, at: 0)
    return element
  }
}
