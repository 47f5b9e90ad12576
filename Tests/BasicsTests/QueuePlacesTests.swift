import Testing

@testable import Basics

struct QueuePlacesTests {
  @Test func placesAreTakenAndGivenBack() throws {
    var places = try QueuePlaces(count: 2, isInOrder: false)
    let (nothing, none) = (places.begin(), places.takeAway())
    #expect(nothing == nil && none == nil && places.isIdle)
    let (first, second, third) = (places.enter(), places.enter(), places.enter())
    let (a, b) = (try #require(first), try #require(second))
    #expect(a.ticket == 1 && b.ticket == 2 && a.place != b.place)
    #expect(third == nil && places.waitingCount == 2)
    let begun = places.begin()
    #expect(begun == a.place && places.isRunning && !places.isIdle)
    #expect(places.waiting(1) == nil && places.waiting(2) == b.place)
    let early = places.takeAway()
    #expect(early == nil)
    let released = places.finish(a.place)
    #expect(released == 1 && places.doneCount == 1)
    let full = places.enter()
    #expect(full == nil)
    let taken = places.takeAway()
    #expect(taken?.place == a.place && taken?.ticket == 1)
    let next = places.enter()
    #expect(next?.ticket == 3)
  }

  @Test(arguments: [false, true]) func whatIsGivenUpOvertakesOrWaits(isInOrder: Bool) throws {
    var places = try QueuePlaces(count: 3, isInOrder: isInOrder)
    var entered: [Int] = []
    for _ in 0..<3 { entered += [places.enter()].compactMap { $0?.place } }
    try #require(entered.count == 3)
    let begun = places.begin()
    let released = [places.finish(entered[1]), places.finish(entered[0])]
    #expect(begun == entered[0] && released == (isInOrder ? [0, 2] : [1, 1]))
    let last = places.begin()
    let lastReleased = places.finish(entered[2])
    #expect(last == entered[2] && lastReleased == 1)
    let tickets = [places.takeAway()?.ticket, places.takeAway()?.ticket, places.takeAway()?.ticket]
    #expect(tickets == (isInOrder ? [1, 2, 3] : [2, 1, 3]))
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
        let released = places.finish(try #require(placeOf[ticket]))
        #expect(released == expected)
      case 2:
        guard let index = waiting.indices.randomElement(using: &random) else { continue }
        let ticket = waiting.remove(at: index)
        #expect(places.waiting(ticket) == placeOf[ticket])
        let expected = try finish(ticket)
        let released = places.finish(try #require(placeOf[ticket]))
        #expect(released == expected)
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
