import Basics
import CFlowADHeader
import Scoring

// The texts are static, so that they are available even in a process that may not call the library.

private let strangeNames = StrangeFrame.allCases.map { StaticText($0.rawValue) }

private let unknownStrangeName = StaticText("unknown kind")

@_cdecl("cflowad_status_name") @implementation
public func cflowad_status_name(_ status: cflowad_status) -> UnsafePointer<CChar>? {
  switch Int(status) {
  case CFLOWAD_OK: text("CFLOWAD_OK")
  case CFLOWAD_ERROR_INVALID_ARGUMENT: text("CFLOWAD_ERROR_INVALID_ARGUMENT")
  case CFLOWAD_ERROR_INVALID_HANDLE: text("CFLOWAD_ERROR_INVALID_HANDLE")
  case CFLOWAD_ERROR_STRUCT_SIZE: text("CFLOWAD_ERROR_STRUCT_SIZE")
  case CFLOWAD_ERROR_BUFFER_TOO_SMALL: text("CFLOWAD_ERROR_BUFFER_TOO_SMALL")
  case CFLOWAD_ERROR_IO: text("CFLOWAD_ERROR_IO")
  case CFLOWAD_ERROR_FORMAT: text("CFLOWAD_ERROR_FORMAT")
  case CFLOWAD_ERROR_UNSUPPORTED: text("CFLOWAD_ERROR_UNSUPPORTED")
  case CFLOWAD_ERROR_NOT_CALIBRATED: text("CFLOWAD_ERROR_NOT_CALIBRATED")
  case CFLOWAD_ERROR_BUSY: text("CFLOWAD_ERROR_BUSY")
  case CFLOWAD_ERROR_CANCELLED: text("CFLOWAD_ERROR_CANCELLED")
  case CFLOWAD_ERROR_DIVERGED: text("CFLOWAD_ERROR_DIVERGED")
  case CFLOWAD_ERROR_OUT_OF_MEMORY: text("CFLOWAD_ERROR_OUT_OF_MEMORY")
  case CFLOWAD_ERROR_STATE: text("CFLOWAD_ERROR_STATE")
  case CFLOWAD_ERROR_FULL: text("CFLOWAD_ERROR_FULL")
  case CFLOWAD_ERROR_TIMEOUT: text("CFLOWAD_ERROR_TIMEOUT")
  case CFLOWAD_ERROR_LATE: text("CFLOWAD_ERROR_LATE")
  case CFLOWAD_ERROR_MISMATCH: text("CFLOWAD_ERROR_MISMATCH")
  case CFLOWAD_ERROR_NO_SELF_TEST: text("CFLOWAD_ERROR_NO_SELF_TEST")
  default: text("unknown status")
  }
}

@_cdecl("cflowad_verdict_name") @implementation
public func cflowad_verdict_name(_ verdict: cflowad_verdict) -> UnsafePointer<CChar>? {
  switch Int(verdict) {
  case CFLOWAD_VERDICT_PASS: text("pass")
  case CFLOWAD_VERDICT_REVIEW: text("review")
  case CFLOWAD_VERDICT_REJECT: text("reject")
  default: text("unknown verdict")
  }
}

/// A literal's characters, which end with a NUL.
private func text(_ literal: StaticString) -> UnsafePointer<CChar> {
  UnsafeRawPointer(literal.utf8Start).assumingMemoryBound(to: CChar.self)
}

@_cdecl("cflowad_strange_name") @implementation
public func cflowad_strange_name(_ kind: cflowad_strange) -> UnsafePointer<CChar>? {
  strangeNames.indices.contains(Int(kind)) ? strangeNames[Int(kind)].pointer : unknownStrangeName.pointer
}

@_cdecl("cflowad_last_error") @implementation
public func cflowad_last_error() -> UnsafePointer<CChar>? { LastError.message }
