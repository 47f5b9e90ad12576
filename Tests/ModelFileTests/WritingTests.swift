@preconcurrency import CHDF5
import Basics
import Foundation
import Scoring
import Testing

@testable import ModelFile

extension ModelFileTests {
  @Suite struct Writing {
    /// Runs a write that must fail with a kind.
    private func expectFailure(
      _ kind: Failure.Kind, _ contents: DetectorContents, to path: String,
      sourceLocation: SourceLocation = #_sourceLocation
    ) {
      do {
        try ModelFile.write(contents, to: path)
        Issue.record("written to \(path)", sourceLocation: sourceLocation)
      } catch { #expect(error.kind == kind, "\(error.message)", sourceLocation: sourceLocation) }
    }

    @Test func oldFileIsReplaced() throws {
      let folder = try TemporaryFolder()
      try ModelFile.write(sample(), to: folder.path("model.h5"))
      try ModelFile.write(encoderAlone(), to: folder.path("model.h5"))
      expectEqual(try ModelFile.read(path: folder.path("model.h5")), try encoderAlone())
      #expect(try folder.names == ["model.h5"])
    }

    @Test func failureLeavesNothingBehind() throws {
      let folder = try TemporaryFolder()
      try FileManager.default.createDirectory(atPath: folder.path("taken/inside"), withIntermediateDirectories: true)
      expectFailure(.io, try sample(), to: folder.path("taken"))
      expectFailure(.io, try sample(), to: folder.path("absent/model.h5"))
      expectFailure(.io, try sample(), to: "/proc/model.h5")
      expectFailure(.invalidArgument, try sample(), to: "")
      expectFailure(.invalidArgument, try sample(), to: folder.path("model") + "\0.h5")
      #expect(try folder.names == ["taken"])
    }

    @Test func invalidContentsLeaveTheOldFile() throws {
      let folder = try TemporaryFolder()
      let path = folder.path("model.h5")
      try ModelFile.write(encoderAlone(), to: path)
      var changes: [(inout DetectorContents) throws -> Void] = [
        { $0.flow = nil }, { $0.flowWeights.removeLast() }, { $0.provenance["a/b"] = "" },
        { $0.provenance["a"] = "\0" }, { $0.provenance["a"] = String(repeating: "x", count: 60_001) },
        { $0.encoderWeights[""] = try ramp(1) }, { $0.encoderWeights["."] = try ramp(1) },
        { $0.encoderWeights["deep"] = try ramp(1, 1, 1, 1, 1, 1, 1, 1, 1) },
        { $0.flowWeights[0]["module_list.0.w_perm"] = try Tensor(shape: [2], values: [0.5, 0]) },
        { $0.flowWeights[0]["module_list.0.w_perm"] = try Tensor(shape: [2], values: [.nan, 0]) },
      ]
      changes.append {
        $0.calibration = try .init(levelMaxima: [0], total: 0, threshold: 0, scores: [])
      }
      for change in changes {
        var contents = try sample()
        try change(&contents)
        expectFailure(.invalidArgument, contents, to: path)
      }
      expectEqual(try ModelFile.read(path: path), try encoderAlone())
      #expect(try folder.names == ["model.h5"])
    }

    @Test(.enabled(if: geteuid() != 0, "the superuser may write anywhere")) func readOnlyFolderKeepsTheOldFile() throws
    {
      let folder = try TemporaryFolder()
      try ModelFile.write(sample(), to: folder.path("model.h5"))
      chmod(folder.url.path, 0o500)
      defer { chmod(folder.url.path, 0o700) }
      expectFailure(.io, try encoderAlone(), to: folder.path("model.h5"))
      expectEqual(try ModelFile.read(path: folder.path("model.h5")), try sample())
    }

    @Test func aLinkStaysAndItsTargetIsReplaced() throws {
      let folder = try TemporaryFolder()
      for name in ["models", "deploy"] { mkdir(folder.path(name), 0o700) }
      try ModelFile.write(sample(), to: folder.path("models/v1.h5"))
      chmod(folder.path("models/v1.h5"), 0o600)
      symlink("../models/v1.h5", folder.path("deploy/current.h5"))
      try ModelFile.write(encoderAlone(), to: folder.path("deploy/current.h5"))
      expectEqual(try ModelFile.read(path: folder.path("models/v1.h5")), try encoderAlone())
      var status = stat()
      #expect(lstat(folder.path("deploy/current.h5"), &status) == 0 && status.st_mode & S_IFMT == S_IFLNK)
      #expect(stat(folder.path("models/v1.h5"), &status) == 0 && status.st_mode & 0o777 == 0o600)
    }

    /// The encoder's file is that beside the real file, for reading and for writing; or else the one beside the link.
    @Test func aLinkedEncoderIsFoundThroughALink() throws {
      let folder = try TemporaryFolder()
      for name in ["models", "deploy"] { mkdir(folder.path(name), 0o700) }
      symlink("../models/v1.h5", folder.path("deploy/current.h5"))
      try ModelFile.write(sample(), to: folder.path("deploy/current.h5"), encoderFile: "encoder.h5")
      #expect(
        access(folder.path("models/encoder.h5"), F_OK) == 0 && access(folder.path("deploy/encoder.h5"), F_OK) != 0)
      for path in ["models/v1.h5", "deploy/current.h5"] {
        expectEqual(try ModelFile.read(path: folder.path(path)), try sample())
      }
      try ModelFile.write(sample(), to: folder.path("deploy/current.h5"), encoderFile: "encoder.h5")
      rename(folder.path("models/encoder.h5"), folder.path("deploy/encoder.h5"))
      expectEqual(try ModelFile.read(path: folder.path("deploy/current.h5")), try sample())
      #expect { try ModelFile.read(path: folder.path("models/v1.h5")) } throws: { ($0 as? Failure)?.kind == .io }
    }

    @Test func onlyFilesAreReplaced() throws {
      let folder = try TemporaryFolder()
      mkfifo(folder.path("pipe"), 0o600)
      expectFailure(.io, try sample(), to: folder.path("pipe"))
      expectFailure(.io, try sample(), to: "/dev/null")
      var status = stat()
      #expect(lstat(folder.path("pipe"), &status) == 0 && status.st_mode & S_IFMT == S_IFIFO)
      #expect(try folder.names == ["pipe"])
    }

    @Test func readOnlyFileIsRead() throws {
      let folder = try TemporaryFolder()
      try ModelFile.write(sample(), to: folder.path("model.h5"))
      chmod(folder.path("model.h5"), 0o400)
      expectEqual(try ModelFile.read(path: folder.path("model.h5")), try sample())
    }
  }

  /// What belongs to the program that the library lives in.
  @Suite struct Host {
    private func useTheLibrary() throws {
      _ = try read(bytes(of: sample()))
      #expect(refused(try Editor.edited { try $0.unlink("/encoder") }) != nil)
      var damaged = try bytes(of: sample())
      for offset in stride(from: 3000, to: damaged.count, by: 7) { damaged[offset] ^= 0x55 }
      #expect(refused(damaged) != nil)
      #expect(refused(Array(damaged.prefix(2000))) != nil)
    }

    @Test func errorHandlerStays() throws {
      var context = 0
      try withUnsafeMutablePointer(to: &context) { context in
        let handler: H5E_auto2_t = { _, context in
          context?.assumingMemoryBound(to: Int.self).pointee += 1
          return 0
        }
        var (old, oldContext): (H5E_auto2_t?, UnsafeMutableRawPointer?) = (nil, nil)
        H5Eget_auto2(0, &old, &oldContext)
        defer { H5Eset_auto2(0, old, oldContext) }
        H5Eset_auto2(0, handler, context)
        try useTheLibrary()

        var (now, nowContext): (H5E_auto2_t?, UnsafeMutableRawPointer?) = (nil, nil)
        H5Eget_auto2(0, &now, &nowContext)
        #expect(unsafeBitCast(now, to: Int.self) == unsafeBitCast(handler, to: Int.self))
        #expect(nowContext == UnsafeMutableRawPointer(context))
        #expect(context.pointee == 0)
        // And it still works.
        H5Fopen("/absent", 0, 0)
        #expect(context.pointee == 1)
      }
    }

    @Test func errorHandlerOfTheFirstGenerationStays() throws {
      let handler: H5E_auto1_t = { _ in 0 }
      var (old, oldContext): (H5E_auto2_t?, UnsafeMutableRawPointer?) = (nil, nil)
      H5Eget_auto2(0, &old, &oldContext)
      defer { H5Eset_auto2(0, old, oldContext) }
      H5Eset_auto1(handler, nil)
      _ = try read(bytes(of: sample()))
      #expect(refused([0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a, 0]) != nil)

      var (now, nowContext): (H5E_auto1_t?, UnsafeMutableRawPointer?) = (nil, nil)
      #expect(H5Eget_auto1(&now, &nowContext) >= 0)
      #expect(unsafeBitCast(now, to: Int.self) == unsafeBitCast(handler, to: Int.self))
    }

    @Test func errorStackStays() throws {
      H5Eset_auto2(0, nil, nil)
      H5Fopen("/absent", 0, 0)
      let depth = H5Eget_num(0)
      #expect(depth > 0)
      _ = try read(bytes(of: sample()))
      #expect(refused([0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a, 0]) != nil)
      #expect(H5Eget_num(0) == depth)
    }

    /// libhdf5's own handler prints; other tests of the process may print meanwhile, but not about HDF5.
    @Test func nothingIsPrinted() throws {
      let folder = try TemporaryFolder()
      let kept = dup(2)
      let file = open(folder.path("stderr"), O_RDWR | O_CREAT, 0o600)
      fflush(nil)
      dup2(file, 2)
      defer { close(kept); close(file) }
      let result = Result { try useTheLibrary() }
      fflush(nil)
      dup2(kept, 2)
      try result.get()
      #expect(try !String(contentsOfFile: folder.path("stderr"), encoding: .utf8).contains("HDF5"))
    }

    @Test func nothingStaysOpen() throws {
      // 0x1f is H5F_OBJ_ALL. Other tests may have files open at either moment; what leaks adds up.
      let before = H5Fget_obj_count(0x1f, 0x1f)
      for _ in 0..<20 { try useTheLibrary() }
      #expect(H5Fget_obj_count(0x1f, 0x1f) < before + 20)
    }

    @Test func threadsReadTheirOwnFiles() async throws {
      try await withThrowingTaskGroup(of: Bool.self) { group in
        for index in 0..<8 {
          group.addTask {
            var contents = try sample()
            contents.provenance["number"] = String(index)
            let bytes = try bytes(of: contents)
            for _ in 0..<5 where !isEqual(try read(bytes), contents) { return false }
            return true
          }
        }
        for try await isRight in group { #expect(isRight) }
      }
    }
  }
}
