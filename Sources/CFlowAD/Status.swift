import Basics
import CFlowADHeader

private let statusNames: [StaticText] = [
  "CFLOWAD_OK", "CFLOWAD_ERROR_INVALID_ARGUMENT", "CFLOWAD_ERROR_INVALID_HANDLE", "CFLOWAD_ERROR_STRUCT_SIZE",
  "CFLOWAD_ERROR_BUFFER_TOO_SMALL", "CFLOWAD_ERROR_IO", "CFLOWAD_ERROR_FORMAT", "CFLOWAD_ERROR_UNSUPPORTED",
  "CFLOWAD_ERROR_NOT_CALIBRATED", "CFLOWAD_ERROR_BUSY", "CFLOWAD_ERROR_CANCELLED", "CFLOWAD_ERROR_DIVERGED",
  "CFLOWAD_ERROR_OUT_OF_MEMORY", "CFLOWAD_ERROR_STATE",
].map { StaticText($0) }

private let unknownStatus = StaticText("unknown status")

private let verdictNames: [StaticText] = ["pass", "review", "reject"].map { StaticText($0) }

private let unknownVerdict = StaticText("unknown verdict")

@_cdecl("cflowad_status_name") @implementation
public func cflowad_status_name(_ status: cflowad_status) -> UnsafePointer<CChar>? {
  statusNames.indices.contains(Int(status)) ? statusNames[Int(status)].pointer : unknownStatus.pointer
}

@_cdecl("cflowad_verdict_name") @implementation
public func cflowad_verdict_name(_ verdict: cflowad_verdict) -> UnsafePointer<CChar>? {
  verdictNames.indices.contains(Int(verdict)) ? verdictNames[Int(verdict)].pointer : unknownVerdict.pointer
}

@_cdecl("cflowad_last_error") @implementation
public func cflowad_last_error() -> UnsafePointer<CChar>? { LastError.message }
