import Basics
import CFlowADHeader
import Scoring

@_cdecl("cflowad_model_verify") @implementation
public func cflowad_model_verify(
  _ model: OpaquePointer?, _ verification: UnsafeMutablePointer<cflowad_verification>?
) -> cflowad_status {
  attempt { () throws(Failure) in
    let detector = try models.object(model)
    var filled = cflowad_verification()
    if verification != nil { filled = try CallerStruct.read(verification, "verification") }
    let found = try detector.verify()
    filled.value_count = UInt64(found.valueCount)
    filled.largest_error = found.largestError
    filled.tolerance = found.tolerance
    filled.score = found.score
    filled.expected_score = found.expectedScore
    if let verification { CallerStruct.write(filled, to: verification) }
    guard found.passes else { throw Failure(.mismatch, found.text) }
  }
}
