/// Keeps track of a queue's places by their indices. It stores no items: its user keeps what each place holds. Items wait for
/// their turn in the order in which they came, are worked on one at a time, and keep their place until they are taken away. All
/// memory is allocated at the beginning.
package struct QueuePlaces {
  private enum Phase { case free, waiting, running, held, done }

  private struct Place {
    var phase = Phase.free
    /// In the order of ``enter()``, from 1.
    var ticket: UInt64 = 0
    /// In the order in which things may be taken away.
    var rank: UInt64 = 0
  }

  private var places: [Place]
  private let isInOrder: Bool
  private var lastTicket: UInt64 = 0
  private var lastRank: UInt64 = 0

  /// - Parameter isInOrder: whether things are taken away in the order in which they came, or in that in which they were done.
  package init(count: Int, isInOrder: Bool) throws(Failure) {
    try checkMemory(for: count, of: Place.self)
    places = Array(repeating: Place(), count: count)
    self.isInOrder = isInOrder
  }

  package var count: Int { places.count }
  package var waitingCount: Int { count { $0 == .waiting } }
  package var isRunning: Bool { places.contains { $0.phase == .running } }
  /// How many are done, whether or not they can be taken away already.
  package var doneCount: Int { count { $0 == .done || $0 == .held } }
  /// Whether nothing waits and nothing is being worked on.
  package var isIdle: Bool { !places.contains { $0.phase == .waiting || $0.phase == .running } }

  /// Takes a free place; nil when there is none.
  package mutating func enter() -> (place: Int, ticket: UInt64)? {
    guard let place = places.firstIndex(where: { $0.phase == .free }) else { return nil }
    lastTicket += 1
    places[place] = Place(phase: .waiting, ticket: lastTicket)
    return (place, lastTicket)
  }

  /// Begins what has waited longest; nil when nothing waits.
  package mutating func begin() -> Int? {
    guard let place = firstWaiting else { return nil }
    places[place].phase = .running
    return place
  }

  /// The place of what waits under a ticket; nil when nothing does.
  package func waiting(_ ticket: UInt64) -> Int? {
    places.firstIndex { $0.phase == .waiting && $0.ticket == ticket }
  }

  /// What has waited longest.
  package var firstWaiting: Int? { first(where: { $0 == .waiting }, by: { $0.ticket }) }

  /// Ends what waits or is worked on. Returns how many can be taken away now that could not before.
  package mutating func finish(_ place: Int) -> Int {
    places[place].phase = .held
    guard isInOrder else {
      release(place)
      return 1
    }
    var released = 0
    while let oldest = oldestUntaken, places[oldest].phase == .held {
      release(oldest)
      released += 1
    }
    return released
  }

  /// Takes away what can be, and frees its place; nil when there is nothing.
  package mutating func takeAway() -> (place: Int, ticket: UInt64)? {
    guard let place = first(where: { $0 == .done }, by: { $0.rank }) else { return nil }
    places[place].phase = .free
    return (place, places[place].ticket)
  }

  private mutating func release(_ place: Int) {
    lastRank += 1
    places[place].phase = .done
    places[place].rank = lastRank
  }

  /// The oldest of those that cannot be taken away yet.
  private var oldestUntaken: Int? { first(where: { $0 != .free && $0 != .done }, by: { $0.ticket }) }

  /// The place of the smallest number among those that are meant.
  private func first(where isMeant: (Phase) -> Bool, by number: (Place) -> UInt64) -> Int? {
    var found: (index: Int, number: UInt64)?
    for (index, place) in places.enumerated() where isMeant(place.phase) {
      if number(place) < found?.number ?? .max { found = (index, number(place)) }
    }
    return found?.index
  }

  private func count(_ isMeant: (Phase) -> Bool) -> Int { places.reduce(0) { $0 + (isMeant($1.phase) ? 1 : 0) } }
}
