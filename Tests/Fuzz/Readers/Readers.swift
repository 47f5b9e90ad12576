import Basics
import TrainingFile

@testable import DataSets

// Readers of files that have no function of the C interface of their own, for Tests/Fuzz/fuzz.c. Package.swift has this target
// only where CFLOWAD_FUZZING is in the environment.

private func path(_ text: UnsafePointer<CChar>) -> String { String(cString: text) }

@_cdecl("cflowad_fuzz_npy")
public func fuzzNPY(_ file: UnsafePointer<CChar>) {
  do throws(Failure) {
    let array = try NPYFile(path: path(file))
    _ = try array.isNonzero(in: 0..<min(array.count, 1 << 16))
  } catch {}
}

@_cdecl("cflowad_fuzz_csv")
public func fuzzCSV(_ file: UnsafePointer<CChar>) {
  do throws(Failure) { _ = try CSVList.classes(path(file), .test) } catch {}
}

@_cdecl("cflowad_fuzz_checkpoint")
public func fuzzCheckpoint(_ file: UnsafePointer<CChar>) {
  do throws(Failure) { _ = try TrainingFile(path: path(file)).load() } catch {}
}
