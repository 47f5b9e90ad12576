import Basics
import Imaging

extension FrameScorer {
  /// Scores frames, with the same bits as one by one. Threads share out the tiles of several frames at a time, so the arrays of a
  /// frame may be written although a frame before it fails. Stops at the first frame that fails, after the results of all frames
  /// before it were given.
  ///
  /// - Parameters:
  ///   - frame: gives the `index`-th frame and what is wanted of it. It is called more than once.
  ///   - result: is given the results in the order of the frames.
  package func score(
    count: Int, frame: (_ index: Int) throws(Failure) -> (Frame, FrameRequest),
    result: (_ index: Int, FrameResult) throws(Failure) -> Void
  ) throws(Failure) {
    if count > 1, let batch = tileBatch() {
      try score(count: count, in: batch) { (index) throws(Failure) in
        let (frame, request) = try frame(index)
        return (frame, try layout(width: frame.width, height: frame.height, request), request)
      } result: { (index, found) throws(Failure) in
        try result(index, found)
      }
    } else {
      for index in 0..<count {
        let (frame, request) = try frame(index)
        try result(index, score(frame, request))
      }
    }
  }

  /// A frame, the layout for its size, and what is wanted of it.
  private typealias Work = (frame: Frame, layout: FrameLayout, request: FrameRequest)

  /// Scores a frame in tiles. This and the functions that it calls are not inlined, so that their copies of frames and requests do
  /// not all lie on a small stack at the same time.
  @inline(never)
  func score(
    _ frame: Frame, _ layout: FrameLayout, _ request: FrameRequest, in batch: TileBatch
  ) throws(Failure) -> FrameResult {
    var found = FrameResult(detector: detector, thresholds: thresholds)
    try score(count: 1, in: batch) { _ in
      (frame, layout, request)
    } result: { _, result in
      found = result
    }
    return found
  }

  private func score(
    count: Int, in batch: TileBatch, work: (_ index: Int) throws(Failure) -> Work,
    result: (_ index: Int, FrameResult) throws(Failure) -> Void
  ) throws(Failure) {
    var next = (frame: 0, tile: 0)
    var failure: Failure?
    while next.frame < count, failure == nil {
      do throws(Failure) { try fill(batch, from: &next, of: count, work: work) } catch { failure = error }
      try run(batch, result: result)
    }
    if let failure { throw failure }
  }

  /// Puts tiles into a batch, from the `next` one on, until it is full or a frame cannot be scored.
  @inline(never)
  private func fill(
    _ batch: TileBatch, from next: inout (frame: Int, tile: Int), of count: Int,
    work: (_ index: Int) throws(Failure) -> Work
  ) throws(Failure) {
    while next.frame < count, !batch.isFull {
      let (frame, layout, request) = try work(next.frame)
      while next.tile < layout.tiles.count, !batch.isFull {
        try resizer.resize(frame.part(layout.tiles.rectangle(next.tile)), into: batch.nextPixels)
        batch.append(next, of: layout, request)
        next.tile += 1
      }
      if next.tile == layout.tiles.count { next = (next.frame + 1, 0) }
    }
  }

  /// Computes the tiles of a batch, takes them in their order, and empties it.
  @inline(never)
  private func run(
    _ batch: TileBatch, result: (_ index: Int, FrameResult) throws(Failure) -> Void
  ) throws(Failure) {
    defer { batch.removeAll() }
    let sharedCount = batch.sharedCount
    batch.run(first: sharedCount)
    for (slot, tile) in batch.tiles.enumerated() {
      if tile.index == 0 { begin(tile.layout, tile.request) }
      if slot < sharedCount {
        try take(tile.index, logLikelihoods: batch.logLikelihoods(slot))
      } else {
        try run(tile: tile.index, resized: batch.pixels(slot))
      }
      if tile.index == tileCount - 1 { try result(tile.frameIndex, finish()) }
    }
  }
}
