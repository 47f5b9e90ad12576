import Basics
import CFlowADHeader
import Imaging

@_cdecl("cflowad_pixel_format_from_pfnc") @implementation
public func cflowad_pixel_format_from_pfnc(
  _ code: UInt32, _ format: UnsafeMutablePointer<cflowad_pixel_format>?,
  _ significant_bits: UnsafeMutablePointer<UInt32>?
) -> cflowad_status {
  attempt { () throws(Failure) in
    let format = try checkedOutput(format, "format")
    let significantBits = try checkedOutput(significant_bits, "significant_bits")
    (format.pointee, significantBits.pointee) = try PFNC.format(code: code)
  }
}
