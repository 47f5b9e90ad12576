import CFlowADHeader
import Execution
import Kernels

@_cdecl("cflowad_version") @implementation
public func cflowad_version() -> Int32 {
  CFLOWAD_VERSION_MAJOR * 10_000 + CFLOWAD_VERSION_MINOR * 100 + CFLOWAD_VERSION_PATCH
}

@_cdecl("cflowad_default_thread_count") @implementation
public func cflowad_default_thread_count() -> UInt32 {
  var count: UInt32 = 1
  _ = attempt { count = UInt32(Workers.processorCount) }
  return count
}

/// A C string that lives as long as the process.
struct StaticText: @unchecked Sendable {
  let pointer: UnsafePointer<CChar>

  init(_ text: String) {
    let bytes = text.utf8CString
    let memory = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
    for (i, byte) in bytes.enumerated() { memory[i] = byte }
    pointer = UnsafePointer(memory)
  }
}

/// Which kernels run, and whether the environment chose them, or why none do.
private let kernelInfo =
  switch Kernels.choice {
  case .success(let build):
    "\(build.summary) kernels\(Kernels.requested.isEmpty ? "" : " (CFLOWAD_KERNELS=\(Kernels.requested))")"
  case .failure(let failure): "no kernels: \(failure.message)"
  }

private let buildInfo = StaticText(
  "libcflowad \(CFLOWAD_VERSION_MAJOR).\(CFLOWAD_VERSION_MINOR).\(CFLOWAD_VERSION_PATCH), \(kernelInfo)")

@_cdecl("cflowad_build_info") @implementation
public func cflowad_build_info() -> UnsafePointer<CChar>? { buildInfo.pointer }
