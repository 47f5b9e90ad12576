/// Memory for weights that are made and freed together. They lie one after the other in large pieces, for which the system uses
/// large pages where it has them. A piece is freed with the last weights in it.
package final class WeightMemory: Sendable {
  /// A mapping of pages.
  private final class Piece: @unchecked Sendable {
    let start: UnsafeMutableRawPointer
    private(set) var byteCount: Int

    init(atLeast size: Int) throws(Failure) {
      // Where there is no memory for a whole piece, it makes one of the size that is needed.
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

  /// The current piece and how much of it is taken.
  private struct State: Sendable {
    var piece: Piece?
    var used = 0
  }

  private let state = Locked(State())

  /// Pages of a piece take memory only once they are used.
  private static let pieceByteCount = 1 << 26

  package init() {}

  /// Frees the unused rest of the last piece. To be called when all weights are stored.
  package func close() {
    state.withLock { state in
      state.piece?.cut(to: state.used)
      state = State()
    }
  }

  /// Zeros, aligned to 64 bytes, that live as long as their owner. Fails with `.outOfMemory`.
  func take<Element: BitwiseCopyable>(
    _ count: Int
  ) throws(Failure) -> (base: UnsafeMutablePointer<Element>, owner: AnyObject) {
    guard let bytes = checkedProduct([count, MemoryLayout<Element>.stride]), bytes <= .max / 2 else {
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
    return ((piece.start + offset).bindMemory(to: Element.self, capacity: count), piece)
  }
}
