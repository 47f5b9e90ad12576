/// The host's own threads. They are a function of the host that calls a body for each index of 0..<count, in parallel where it can,
/// and returns when all calls have returned.
package struct HostThreads: @unchecked Sendable {
  package typealias Body = @convention(c) (_ context: UnsafeMutableRawPointer?, _ index: UInt32) -> Void
  package typealias ParallelFor =
    @convention(c) (
      _ context: UnsafeMutableRawPointer?, _ count: UInt32, _ body: Body?, _ bodyContext: UnsafeMutableRawPointer?
    ) -> Void

  private let parallelFor: ParallelFor
  private let context: UnsafeMutableRawPointer?

  /// - Parameter context: is passed to the host with every call.
  package init(_ parallelFor: @escaping ParallelFor, context: UnsafeMutableRawPointer?) {
    self.parallelFor = parallelFor
    self.context = context
  }

  /// Lets `count` of the host's threads join the slot's job.
  func serve(_ slot: JobSlot, count: Int) {
    let body: Body = { slot, _ in
      guard let slot else { return }
      // The host's threads come with the host's floating-point mode.
      FloatMode.inDefault { Unmanaged<JobSlot>.fromOpaque(slot).takeUnretainedValue().joinAsGuest() }
    }
    let slot = Unmanaged.passUnretained(slot).toOpaque()
    FloatMode.inHosts { parallelFor(context, UInt32(count), body, slot) }
  }
}
