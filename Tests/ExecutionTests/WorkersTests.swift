import Basics
import Testing

@testable import Execution

@Suite struct WorkersTests {
  /// Counts how often each part was computed.
  private struct Context {
    let counts: UnsafeMutablePointer<Int>
    let workers: UnsafeMutablePointer<Int>
  }

  @Test(arguments: [1, 2, 5])
  func everyPartIsComputedOnce(threads: Int) throws {
    let workers = try Workers(count: threads)
    let counts = try Buffer<Int>(count: 100)
    let seen = try Buffer<Int>(count: 100)
    let context = Context(counts: counts.base, workers: seen.base)
    // Many short jobs, so that threads come late, early and not at all.
    for job in 1...2000 {
      let parts = job % 101
      withUnsafePointer(to: context) { context in
        workers.run(parts: parts, context: context) { context, part, worker in
          let context = context.assumingMemoryBound(to: Context.self).pointee
          context.counts[part] += 1
          context.workers[part] = worker
        }
      }
      guard (0..<parts).allSatisfy({ counts.base[$0] == 1 && (0..<threads).contains(seen.base[$0]) }) else {
        Issue.record("job \(job) of \(parts) parts was not computed once and whole")
        return
      }
      for part in 0..<parts { counts.base[part] = 0 }
    }
  }

  @Test func aSleepingThreadWakesForWork() throws {
    let workers = try Workers(count: 2)
    let counter = try Buffer<Int>(count: 2)
    for _ in 0..<20 {
      usleep(2000)
      workers.run(parts: 2, context: counter.base) { context, part, _ in
        UnsafeMutableRawPointer(mutating: context).assumingMemoryBound(to: Int.self)[part] += 1
      }
    }
    #expect(counter.base[0] == 20 && counter.base[1] == 20)
  }

  @Test func mapsKeepTheirOrderAndTheFirstFailure() throws {
    let workers = try Workers(count: 3)
    #expect(workers.count == 3)
    #expect(try workers.map(100) { $0 * $0 } == (0..<100).map { $0 * $0 })
    #expect(try workers.map(0) { $0 } == [])
    let failure = #expect(throws: Failure.self) {
      try workers.map(50) { (index) throws(Failure) -> Int in
        if index % 20 == 7 { throw Failure(.format, "\(index)") }
        return index
      }
    }
    #expect(failure?.message == "7")
  }
}
