import Testing

@testable import Basics

struct QueuePlacesTests {
  @Test func placesAreTakenAndGivenBack() throws {
    var places = try QueuePlaces(count: 2, isInOrder: false)
    #expect(places.begin() == nil && places.takeAway() == nil && places.isIdle)
    let a = try #require(places.enter())
    let b = try #require(places.enter())
    #expect((a.ticket, b.ticket) == (1, 2) && a.place != b.place)
    #expect(places.enter() == nil && places.waitingCount == 2)
    #expect(places.begin() == a.place && places.isRunning && !places.isIdle)
    #expect(places.waiting(1) == nil && places.waiting(2) == b.place)
    #expect(places.takeAway() == nil)
    #expect(places.finish(a.place) == 1 && places.doneCount == 1)
    #expect(places.enter() == nil)
    let taken = try #require(places.takeAway())
    #expect(taken == (a.place, 1))
    #expect(places.enter()?.ticket == 3)
  }

  @Test func whatIsGivenUpOvertakesOrWaits() throws {
    for isInOrder in [false, true] {
      var places = try QueuePlaces(count: 3, isInOrder: isInOrder)
      let entered = try (0..<3).map { _ in try #require(places.enter()).place }
      #expect(places.begin() == entered[0])
      #expect(places.finish(entered[1]) == (isInOrder ? 0 : 1))
      #expect(places.finish(entered[0]) == (isInOrder ? 2 : 1))
      #expect(places.begin() == entered[2])
      #expect(places.finish(entered[2]) == 1)
      let tickets = (0..<3).map { _ in places.takeAway()?.ticket }
      #expect(tickets == (isInOrder ? [1, 2, 3] : [2, 1, 3]))
    }
  }

  /// Against a list of what is under way.
  @Test(arguments: [false, true]) func randomStepsAreThoseOfAList(isInOrder: Bool) throws {
    var random = SystemRandomNumberGenerator()
    var places = try QueuePlaces(count: 5, isInOrder: isInOrder)
    var waiting: [UInt64] = []
    var running: UInt64?
    var held: Set<UInt64> = []
    var done: [UInt64] = []
    var placeOf: [UInt64: Int] = [:]
    var last: UInt64 = 0

    func finish(_ ticket: UInt64) throws -> Int {
      held.insert(ticket)
      let before = done.count
      if !isInOrder {
        done.append(ticket)
        held.remove(ticket)
      } else {
        while let oldest = (waiting + [running].compactMap { $0 } + held).min(), held.contains(oldest) {
          held.remove(oldest)
          done.append(oldest)
        }
      }
      return done.count - before
    }

    for _ in 0..<5000 {
      switch UInt8.random(in: 0..<4, using: &random) {
      case 0:
        let isFull = waiting.count + (running == nil ? 0 : 1) + held.count + done.count == 5
        let entered = places.enter()
        #expect((entered == nil) == isFull)
        if let entered {
          last += 1
          #expect(entered.ticket == last)
          waiting.append(last)
          placeOf[last] = entered.place
        }
      case 1 where running == nil:
        let begun = places.begin()
        #expect(begun == waiting.first.flatMap { placeOf[$0] })
        if begun != nil { running = waiting.removeFirst() }
      case 1:
        let ticket = try #require(running)
        running = nil
        let expected = try finish(ticket)
        #expect(places.finish(try #require(placeOf[ticket])) == expected)
      case 2:
        guard let index = waiting.indices.randomElement(using: &random) else { continue }
        let ticket = waiting.remove(at: index)
        #expect(places.waiting(ticket) == placeOf[ticket])
        let expected = try finish(ticket)
        #expect(places.finish(try #require(placeOf[ticket])) == expected)
      default:
        let taken = places.takeAway()
        #expect(taken?.ticket == done.first)
        if taken != nil { done.removeFirst() }
      }
      #expect(places.waitingCount == waiting.count && places.doneCount == held.count + done.count)
      #expect(places.isIdle == (waiting.isEmpty && running == nil))
    }
  }
}
