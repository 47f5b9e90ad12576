import Basics

/// Memory for weights that come and go together: one behind the other in large pieces, which the system fills with large
/// pages where it has them. A piece goes back to the system with the last weights in it.
package final class WeightMemory: Sendable {
  /// A mapping.
  private final class Piece: @unchecked Sendable {
    let start: UnsafeMutableRawPointer
    private(set) var byteCount: Int

    init(atLeast size: Int) throws(Failure) {
      // Where so much is not to be had, no more than is needed.
      for byteCount in [max(size, WeightMemory.pieceByteCount), size] {
        if let start = Pages.map(byteCount: byteCount) {
          (self.start, self.byteCount) = (start, byteCount)
          return
        }
      }
      throw Failure(.outOfMemory, "no memory for \(size) bytes of weights")
    }

    deinit { Pages.unmap(start, byteCount: byteCount) }

    func cut(to count: Int) {
      let kept = Pages.rounded(count)
      guard kept > 0, kept < byteCount else { return }
      Pages.unmap(start + kept, byteCount: byteCount - kept)
      byteCount = kept
    }
  }

  /// The piece at hand and how much of it is taken.
  private struct State: Sendable {
    var piece: Piece?
    var used = 0
  }

  private let state = Locked(State())

  /// Only what is used of a piece costs memory.
  private static let pieceByteCount = 1 << 26

  package init() {}

  /// Gives back what is not taken: all weights are there.
  package func close() {
    state.withLock { state in
      state.piece?.cut(to: state.used)
      state = State()
    }
  }

  /// Zeros, aligned to 64 bytes, that are there as long as their owner. Fails with `.outOfMemory`.
  func take(_ count: Int) throws(Failure) -> (base: UnsafeMutablePointer<Float>, owner: AnyObject) {
    guard let bytes = checkedProduct([count, MemoryLayout<Float>.stride]), bytes <= .max / 2 else {
      throw Failure(.outOfMemory, "no memory for \(count) weights")
    }
    let size = max((bytes + 63) / 64 * 64, 64)
    let taken = state.withLock { state in
      Result { () throws(Failure) in
        if let piece = state.piece, size <= piece.byteCount - state.used {
          defer { state.used += size }
          return (piece, state.used)
        }
        let piece = try Piece(atLeast: size)
        (state.piece, state.used) = (piece, size)
        return (piece, 0)
      }
    }
    let (piece, offset) = try taken.get()
    return ((piece.start + offset).bindMemory(to: Float.self, capacity: count), piece)
  }
}
