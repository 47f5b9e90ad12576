import Basics
import CFlowADHeader
import Imaging
import Scoring

@_cdecl("cflowad_session_score") @implementation
public func cflowad_session_score(
  _ session: OpaquePointer?, _ frame: UnsafePointer<cflowad_frame>?, _ result: UnsafeMutablePointer<cflowad_result>?
) -> cflowad_status {
  attempt { () throws(Failure) in
    let result = try checkedOutput(result, "result")
    try sessions.object(session).use { (group) throws(Failure) in
      try CallerResult.fill(result, checkedFrame(frame), by: group.scorers[0])
    }
  }
}

@_cdecl("cflowad_session_score_batch") @implementation
public func cflowad_session_score_batch(
  _ session: OpaquePointer?, _ frames: UnsafePointer<cflowad_frame>?, _ count: Int,
  _ results: UnsafeMutablePointer<cflowad_result>?
) -> cflowad_status {
  attempt { () throws(Failure) in
    let session = try sessions.object(session)
    guard count != 0 else { return }
    guard let firstFrame = frames, let firstResult = results, count > 0 else {
      throw Failure(.invalidArgument, "the frames or results are NULL, or their count is too large")
    }
    let frames = try CallerArray(firstFrame, "first frame")
    let results = try CallerArray(firstResult, "first result")
    try session.use { (group) throws(Failure) in
      let scorer = group.scorers[0]
      tellShapes(count) { (index) throws(Failure) in
        try CallerResult.tellShape(scorer.detector, checkedFrame(frames.element(index)), to: results.element(index))
      }
      // Results come in the order of the frames, so when scoring fails it is the next frame that failed.
      var next = 0
      do throws(Failure) {
        try scorer.score(count: count) { (index) throws(Failure) in
          let frame = try checkedFrame(frames.element(index))
          try CallerResult.tellShape(scorer.detector, frame, to: results.element(index))
          return (frame, try CallerResult(results.element(index)).request)
        } result: { (index, result) throws(Failure) in
          try CallerResult(results.element(index)).write(result)
          next = index + 1
        }
      } catch {
        throw error.within("frame \(next)")
      }
    }
  }
}

@_cdecl("cflowad_session_score_all") @implementation
public func cflowad_session_score_all(
  _ session: OpaquePointer?, _ frame: UnsafePointer<cflowad_frame>?, _ results: UnsafeMutablePointer<cflowad_result>?
) -> cflowad_status {
  attempt { () throws(Failure) in
    let session = try sessions.object(session)
    let results = try CallerArray(checkedOutput(results, "results"), "first result")
    try session.use { (group) throws(Failure) in try score(group, checkedFrame(frame), results) }
  }
}

/// Scores a frame with all models of a session into the caller's results, one for each.
func score(_ group: DetectorGroup, _ frame: Frame, _ results: CallerArray<cflowad_result>) throws(Failure) {
  guard group.scorers.count > 1 else {
    return try CallerResult.fill(results.element(0), frame, by: group.scorers[0])
  }
  tellShapes(group.scorers.count) { (index) throws(Failure) in
    try CallerResult.tellShape(group.scorers[index].detector, frame, to: results.element(index))
  }
  try group.score(frame) { (index) throws(Failure) in
    try CallerResult(results.element(index)).request
  } result: { (index, result) throws(Failure) in
    // The struct is read again, because there is no memory to keep all of them in.
    try CallerResult(results.element(index)).write(result)
  }
}

/// Writes the shapes of all results, and checks the structs and the room in their arrays, without scoring.
func checkResults(_ group: DetectorGroup, _ frame: Frame, _ results: CallerArray<cflowad_result>) throws(Failure) {
  for (index, scorer) in group.scorers.enumerated() {
    try CallerResult.tellShape(scorer.detector, frame, to: results.element(index))
  }
  for (index, scorer) in group.scorers.enumerated() {
    try CallerResult(results.element(index)).request.checkRoom(
      scorer.detector, frameWidth: frame.width, frameHeight: frame.height)
  }
}

/// Writes how many values the arrays of several results would hold. An error here is reported by the scoring that follows.
private func tellShapes(_ count: Int, _ tell: (Int) throws(Failure) -> Void) {
  for index in 0..<count {
    do throws(Failure) { try tell(index) } catch { return }
  }
}
