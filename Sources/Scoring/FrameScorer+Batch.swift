import Basics
import Imaging

extension FrameScorer {
  /// Scores frames, with the same bits as one by one. The threads share out the tiles of several frames at a time, so that the
  /// arrays that are wanted of a frame may be written although one before it fails. Stops at the first frame that fails, when
  /// the results of all before it were given.
  ///
  /// - Parameters:
  ///   - frame: the `index`-th, and what is wanted of it; asked for more than once.
  ///   - result: is given what was found, in the frames' order.
  package func score(
    count: Int, frame: (_ index: Int) throws(Failure) -> (Frame, FrameRequest),
    result: (_ index: Int, FrameResult) throws(Failure) -> Void
  ) throws(Failure) {
    if count > 1, let batch = tileBatch() {
      try score(count: count, in: batch, frame: frame, result: result)
    } else {
      for index in 0..<count {
        let (frame, request) = try frame(index)
        try result(index, score(frame, request))
      }
    }
  }

  /// Scores a frame in tiles. Like what it calls it is not inlined, so that what each holds of frames and requests does not lie on
  /// a small stack at the same time.
  @inline(never)
  func score(_ frame: Frame, _ request: FrameRequest, in batch: TileBatch) throws(Failure) -> FrameResult {
    var found = FrameResult(detector: detector, thresholds: thresholds)
    try score(count: 1, in: batch) { _ in
      (frame, request)
    } result: { _, result in
      found = result
    }
    return found
  }

  private func score(
    count: Int, in batch: TileBatch, frame: (_ index: Int) throws(Failure) -> (Frame, FrameRequest),
    result: (_ index: Int, FrameResult) throws(Failure) -> Void
  ) throws(Failure) {
    var next = (frame: 0, tile: 0)
    var failure: Failure?
    while next.frame < count, failure == nil {
      do throws(Failure) { try fill(batch, from: &next, of: count, frame: frame) } catch { failure = error }
      try run(batch, result: result)
    }
    if let failure { throw failure }
  }

  /// Puts tiles into a batch, from the `next` one on, until it is full or a frame cannot be scored.
  @inline(never)
  private func fill(
    _ batch: TileBatch, from next: inout (frame: Int, tile: Int), of count: Int,
    frame: (_ index: Int) throws(Failure) -> (Frame, FrameRequest)
  ) throws(Failure) {
    while next.frame < count, !batch.isFull {
      let (frame, request) = try frame(next.frame)
      let layout = try layout(width: frame.width, height: frame.height)
      try request.checkRoom(detector, layout.tiles, frameWidth: frame.width, frameHeight: frame.height)
      while next.tile < layout.tiles.count, !batch.isFull {
        try likelihoods.encoder.resize(frame.part(layout.tiles.rectangle(next.tile)), into: batch.nextPixels)
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
      if tile.index == 0 { try begin(width: tile.frameWidth, height: tile.frameHeight, tile.request) }
      if slot < sharedCount {
        try take(tile.index, logLikelihoods: batch.logLikelihoods(slot))
      } else {
        try run(tile: tile.index, resized: batch.pixels(slot))
      }
      if tile.index == tileCount - 1 { try result(tile.frameIndex, finish()) }
    }
  }
}
