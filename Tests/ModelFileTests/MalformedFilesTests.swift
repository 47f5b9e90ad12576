@preconcurrency import CHDF5
import Basics
import Foundation
import Testing

@testable import ModelFile

/// A good file after one change, and what reading it must say.
struct Malformed: CustomTestStringConvertible, Sendable {
  let testDescription: String
  let kind: Failure.Kind
  let message: String
  let edit: @Sendable (Editor) throws -> Void

  init(
    _ name: String, _ kind: Failure.Kind, _ message: String, _ edit: @escaping @Sendable (Editor) throws -> Void
  ) {
    (testDescription, self.kind, self.message, self.edit) = (name, kind, message, edit)
  }

  init(_ name: String, _ message: String, _ edit: @escaping @Sendable (Editor) throws -> Void) {
    self.init(name, .format, message, edit)
  }

  private static let variance = "/encoder/bn1.running_var"

  static let structure = [
    Malformed("no format", "not a model file") { try $0.removeAttribute("format", of: "/") },
    Malformed("other format", "not a model file") { try $0.set("format", of: "/", "keras") },
    Malformed("no version", "format_version is missing") { try $0.removeAttribute("format_version", of: "/") },
    Malformed("newer version", .unsupported, "version 4") {
      try $0.set("format_version", of: "/", [4], asInteger: true)
    },
    Malformed("tiles that overlap by more than half", "/tiling: the overlap of 33 pixels") {
      try $0.group("/tiling")
      for (name, value) in [("tile_width", 64.0), ("tile_height", 64), ("tile_overlap", 33)] {
        try $0.set(name, of: "/tiling", [value], asInteger: true)
      }
      try $0.set("positional_encoding", of: "/tiling", "per tile")
    },
    Malformed("tiles of another positional encoding", .unsupported, "positional_encoding is per frame") {
      try $0.group("/tiling")
      try $0.set("positional_encoding", of: "/tiling", "per frame")
    },
    Malformed("version 0", "format_version is 0") { try $0.set("format_version", of: "/", [0], asInteger: true) },
    Malformed("no encoder", "/encoder: it is missing") { try $0.unlink("/encoder") },
    Malformed("no preprocessing", "/preprocessing: it is missing") { try $0.unlink("/preprocessing") },
    Malformed("a digest that is none", "weights_sha256 is not one of 64 hexadecimal digits") {
      try $0.set("weights_sha256", of: "/", "abc")
    },
    Malformed("a self-test without its frame", "/self_test: the attribute frame is missing") {
      try $0.group("/self_test")
    },
    Malformed("a self-test without values", "/self_test/0: it is missing") {
      try $0.group("/self_test")
      try $0.set("frame", of: "/self_test", "waves")
    },
    Malformed("fewer flows", "one for each tap") { try $0.unlink("/flow/1") },
    Malformed("more flows", "one for each tap") { try $0.group("/flow/2") },
    Malformed("calibration without flow", "without /flow") { try $0.unlink("/flow") },
    Malformed("no scores", "/calibration/scores: it is missing") { try $0.unlink("/calibration/scores") },
    Malformed("encoder is a dataset", "/encoder: it is not a group") { try $0.dataset("/encoder", [4]) },
    Malformed("tensor is a group", "\(variance): it is not a dataset") {
      try $0.unlink(variance)
      try $0.group(variance)
    },
    Malformed("encoder holds itself", "/encoder/loop: it is not a dataset") {
      try $0.hardLink("/encoder/loop", to: "/encoder")
    },
    Malformed("flow is the root", "/flow: the attribute blocks is missing") {
      try $0.unlink("/flow")
      try $0.hardLink("/flow", to: "/")
    },
    Malformed("soft link", "/encoder/soft: it is a soft or external link") {
      try $0.softLink("/encoder/soft", to: variance)
    },
    Malformed("soft link to itself", "it is a soft or external link") {
      try $0.softLink("/encoder/soft", to: "/encoder/soft")
    },
    Malformed("soft group", "/flow: it is a soft or external link") {
      try $0.unlink("/flow")
      try $0.softLink("/flow", to: "/encoder")
    },
    Malformed("external link", "/encoder: it is a soft or external link") {
      try $0.unlink("/encoder")
      try $0.externalLink("/encoder", to: "/etc/hostname")
    },
  ]

  static let attributes = [
    Malformed("no width", "width is missing") { try $0.removeAttribute("width", of: "/preprocessing") },
    Malformed("negative width", "is not within") {
      try $0.set("width", of: "/preprocessing", [-64], asInteger: true)
    },
    Malformed("fractional width", "width is not an integer") { try $0.set("width", of: "/preprocessing", [64.5]) },
    Malformed("two widths", "width is not a single value") {
      try $0.set("width", of: "/preprocessing", [64, 64], asInteger: true)
    },
    Malformed("width of two axes", "several axes") {
      try $0.set("width", of: "/preprocessing", [64], asInteger: true, extents: [1, 1])
    },
    Malformed("text as width", "width is not an integer") { try $0.set("width", of: "/preprocessing", "64") },
    Malformed("NaN mean", "finite") { try $0.set("mean", of: "/preprocessing", [.nan, 0, 0]) },
    Malformed("infinite deviation", "finite") {
      try $0.set("standard_deviation", of: "/preprocessing", [1, .infinity, 1])
    },
    Malformed("deviation of zero", "positive") { try $0.set("standard_deviation", of: "/preprocessing", [1, 0, 1]) },
    Malformed("two means", "three finite values") { try $0.set("mean", of: "/preprocessing", [0, 0]) },
    Malformed("other resampling", .unsupported, "bicubic") { try $0.set("resample", of: "/preprocessing", "bicubic") },
    Malformed("a resampling to come", .unsupported, "lanczos-pillow-99") {
      try $0.set("resample", of: "/preprocessing", "lanczos-pillow-99")
    },
    Malformed("number as architecture", "architecture is not a text") {
      try $0.set("architecture", of: "/encoder", [18])
    },
    Malformed("text that is not UTF-8", "not UTF-8") {
      try $0.set("architecture", of: "/encoder", bytes: [0xff, 0xfe])
    },
    Malformed("unknown padding", "padding is 'circular'") { try $0.set("padding", of: "/encoder", "circular") },
    Malformed("padding with NUL", "padding is 'ze'") {
      try $0.set("padding", of: "/encoder", bytes: Array("ze\0ros".utf8))
    },
    Malformed("five taps", "5 taps") { try $0.set("taps", of: "/encoder", bytes: Array("abcde".utf8), count: 5) },
    Malformed("one tap too many", "one for each tap") {
      try $0.set("taps", of: "/encoder", bytes: Array("abc".utf8), count: 3)
    },
    Malformed("absurd blocks", "30000 coupling blocks") { try $0.set("blocks", of: "/flow", [30000], asInteger: true) },
    Malformed("no blocks", "0 coupling blocks") { try $0.set("blocks", of: "/flow", [0], asInteger: true) },
    Malformed("odd condition", "condition channels") {
      try $0.set("condition_channels", of: "/flow", [126], asInteger: true)
    },
    Malformed("unknown permutation", "permutation is 'shuffle'") { try $0.set("permutation", of: "/flow", "shuffle") },
    Malformed("unknown clamp", "clamp is 'atan'") { try $0.set("clamp", of: "/flow", "atan") },
    Malformed("NaN alpha", "alpha") { try $0.set("clamp_alpha", of: "/flow", [.nan]) },
    Malformed("infinite total", "finite") { try $0.set("total", of: "/calibration", [.infinity]) },
    Malformed("threshold beyond float", "finite") { try $0.set("threshold", of: "/calibration", [1e300]) },
  ]

  static let datasets = [
    Malformed("three maxima", "level_maxima: its shape is [3]") {
      try $0.dataset("/calibration/level_maxima", [3], values: [0, 0, 0])
    },
    Malformed("scores of two axes", "has not one axis") {
      try $0.dataset("/calibration/scores", [1, 1], values: [0])
    },
    Malformed("review threshold above the threshold", "above the threshold") {
      try $0.set("review_threshold", of: "/calibration", [1e3])
    },
    Malformed("no verdict about low scores", "low_verdict") {
      try $0.set("low_threshold", of: "/calibration", [0.1])
    },
    Malformed("unknown verdict about low scores", "low_verdict is 'burn'") {
      try $0.set("low_threshold", of: "/calibration", [0.1])
      try $0.set("low_verdict", of: "/calibration", "burn")
    },
    Malformed("low scores that pass", "frames below it pass") {
      try $0.set("low_threshold", of: "/calibration", [0.1])
      try $0.set("low_verdict", of: "/calibration", "pass")
    },
    Malformed("NaN low threshold", "not finite") {
      try $0.set("low_threshold", of: "/calibration", [.nan])
      try $0.set("low_verdict", of: "/calibration", "review")
    },
    Malformed("strange score that is no number", "kind noise") {
      try $0.group("/calibration/strange_frames")
      try $0.dataset("/calibration/strange_frames/noise", [1], values: [.nan])
    },
    Malformed("more means than strange scores", "kind black") {
      try $0.group("/calibration/strange_frames")
      try $0.dataset("/calibration/strange_frames/black", [1], values: [0.5])
      try $0.dataset("/calibration/strange_frames/black_mean", [2], values: [0.5, 0.5])
    },
    Malformed("a threshold of means without a verdict", "means") {
      try $0.set("mean_threshold", of: "/calibration", [0.5])
    },
    Malformed("a rate above 1", "rate") { try $0.set("wanted_rate", of: "/calibration", [1.5]) },
    Malformed("a mean too many", "levels' means") { try $0.set("level_means", of: "/calibration", [1, 1, 1, 1, 1]) },
    Malformed("more frames fitted to than given", "cannot be fitted to") {
      try $0.group("/training")
      try $0.set("given_count", of: "/training", [3], asInteger: true)
      try $0.set("fitted_count", of: "/training", [4], asInteger: true)
    },
    Malformed("gains that are not of the levels", "coupling_gains") {
      try $0.group("/training")
      try $0.set("given_count", of: "/training", [3], asInteger: true)
      try $0.set("fitted_count", of: "/training", [3], asInteger: true)
      try $0.set("coupling_gains", of: "/training", [1, 1, 1, 1, 1])
    },
    Malformed("no strange score", "kind dark") {
      try $0.group("/calibration/strange_frames")
      try $0.dataset("/calibration/strange_frames/dark", [0], values: [])
    },
    Malformed("falling map scale", "rising") {
      try $0.set("pixel_threshold", of: "/calibration", [1])
      try $0.set("map_low", of: "/calibration", [2])
      try $0.set("map_high", of: "/calibration", [2])
    },
    Malformed("empty region of interest", "empty") {
      try $0.dataset("/calibration/region_of_interest", [1, 2], values: [0, 0])
    },
    Malformed("region of interest with one axis", "two axes") {
      try $0.dataset("/calibration/region_of_interest", [2], values: [1, 1])
    },
    Malformed("NaN defective score", "finite") { try $0.dataset("/calibration/defective_scores", [1], values: [.nan]) },
    Malformed("NaN score", "finite") { try $0.dataset("/calibration/scores", [1], values: [.nan]) },
    Malformed("huge extents", "out of proportion") { try $0.dataset(variance, [1 << 40]) },
    Malformed("extents whose product overflows", "out of proportion") {
      try $0.dataset(variance, [1 << 31, 1 << 31, 1 << 31]) { H5Pset_chunk($0, 3, [1, 1, 1]) }
    },
    Malformed("nothing written", "were not written") { try $0.dataset(variance, [4]) },
    Malformed("no chunk written", "a chunk of its values is missing") {
      try $0.dataset(variance, [4]) { H5Pset_chunk($0, 1, [4]) }
    },
    Malformed("too many chunks", "its chunks are out of proportion") {
      try $0.dataset(variance, [100_000]) { H5Pset_chunk($0, 1, [1]) }
    },
    Malformed("nine axes", "more than 8 axes") {
      try $0.dataset(variance, [1, 1, 1, 1, 1, 1, 1, 1, 1], values: [0])
    },
    Malformed("text as tensor", "neither IEEE floating point nor integer") {
      try $0.dataset(variance, [4], type: H5T_C_S1_g)
    },
    Malformed("bit field as tensor", "neither IEEE floating point nor integer") {
      try $0.dataset(variance, [4], type: H5T_STD_B32LE_g)
    },
    Malformed("external storage", .unsupported, "other datasets or files") {
      try $0.dataset(variance, [4]) { H5Pset_external($0, "/etc/hostname", 0, 16) }
    },
    Malformed("virtual dataset", .unsupported, "other datasets or files") {
      try $0.dataset(variance, [4]) { creation in
        let space = H5Screate_simple(1, [4], nil)
        H5Pset_virtual(creation, space, "/etc/hostname", "x", space)
        H5Sclose(space)
      }
    },
    Malformed("n-bit filter", .unsupported, "a filter other than") {
      try $0.dataset(variance, [4], values: [1, 2, 3, 4]) {
        H5Pset_chunk($0, 1, [4])
        H5Pset_nbit($0)
      }
    },
    Malformed("deflate twice", .unsupported, "a filter other than") {
      try $0.dataset(variance, [4], values: [1, 2, 3, 4]) {
        H5Pset_chunk($0, 1, [4])
        H5Pset_deflate($0, 1)
        H5Pset_deflate($0, 1)
      }
    },
    Malformed("shuffle after deflate", .unsupported, "unusual order") {
      try $0.dataset(variance, [4], values: [1, 2, 3, 4]) {
        H5Pset_chunk($0, 1, [4])
        H5Pset_deflate($0, 1)
        H5Pset_shuffle($0)
      }
    },
  ]
}

extension ModelFileTests {
  @Suite struct MalformedFiles {
    @Test(arguments: Malformed.structure + Malformed.attributes + Malformed.datasets) func isRefused(
      malformed: Malformed
    ) throws {
      let refusal = try #require(refused(Editor.edited(malformed.edit)))
      #expect(refusal.kind == malformed.kind)
      #expect(refusal.message.contains(malformed.message), "\(refusal.message)")
      #expect(!refusal.message.contains("\n"))
    }

    /// The editor alone changes nothing, and harmless additions stay harmless.
    @Test func additionsAreAccepted() throws {
      expectEqual(try read(Editor.edited { _ in }), try sample())
      let more = try Editor.edited {
        try $0.group("/notes")
        try $0.set("when", of: "/provenance", [2026])
        try $0.set("zoom", of: "/preprocessing", [1])
      }
      expectEqual(try read(more), try sample())
    }

    @Test func otherBytesAreRefused() throws {
      #expect(refused([])?.kind == .format)
      #expect(refused([0x89])?.kind == .format)
      #expect(refused(Array("PK\u{3}\u{4} a zip file, as PyTorch writes them".utf8))?.kind == .format)
      #expect(refused([0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a])?.kind == .format)
      // A user block before the signature.
      #expect(refused(try [UInt8](repeating: 0, count: 512) + bytes(of: sample()))?.kind == .format)
    }

    @Test func pathsThatAreNoFilesAreRefused() throws {
      let folder = try TemporaryFolder()
      mkfifo(folder.path("pipe"), 0o600)
      for path in [folder.url.path, folder.path("absent"), folder.path("pipe"), "/dev/null", "/dev/zero"] {
        #expect { try ModelFile.read(path: path) } throws: { ($0 as? Failure)?.kind == .io }
      }
      for path in ["", "model\0.h5"] {
        #expect { try ModelFile.read(path: path) } throws: { ($0 as? Failure)?.kind == .invalidArgument }
      }
      try Data().write(to: URL(fileURLWithPath: folder.path("empty")))
      #expect { try ModelFile.read(path: folder.path("empty")) } throws: { ($0 as? Failure)?.kind == .format }
    }
  }

  @Suite struct DamagedBytes {
    @Test func truncatedFilesAreRefused() throws {
      let whole = try bytes(of: sample())
      for length in Array(stride(from: 0, to: whole.count, by: 211)) {
        #expect(refused(Array(whole.prefix(length)))?.kind == .format, "\(length)")
      }
    }

    /// With checksums everywhere, a flipped bit is an error or lies where it means nothing.
    @Test func flippedBitsAreRefusedOrHarmless() throws {
      let (good, contents) = (try bytes(of: sample()), try sample())
      var refused = 0
      for offset in stride(from: 0, to: good.count, by: 29) {
        var bad = good
        bad[offset] ^= 1 << UInt8(offset % 8)
        do {
          expectEqual(try read(bad), contents)
        } catch { refused += 1 }
      }
      #expect(refused > 100)
    }

    /// libhdf5 1.10 divides by the extents of a chunk, runs along as many as there are said to be, and looks whether they are
    /// 0 in one of the message's four versions.
    @Test func chunksWithoutExtentsAreRefused() throws {
      let good = [UInt8](try Data(contentsOf: fixture("compressed")))
      // Version 3, chunked, so many extents; the index's address; the first extent, of up to 255.
      let layouts = (0..<good.count - 19).filter { place in
        guard good[place] == 3, good[place + 1] == 2, (2...5).contains(good[place + 2]) else { return false }
        return good[place + 10] == 0 && good[place + 11] != 0 && good[place + 12...place + 14].allSatisfy { $0 == 0 }
      }
      #expect(layouts.count == 2)
      for layout in layouts {
        let changes: [(place: Int, value: UInt8)] = [
          (0, 1), (0, 2), (0, 4), (0, 0), (0, 5), (2, 0), (2, 1), (2, 10), (2, 255), (11, 0),
          (10 + 4 * Int(good[layout + 2]) - 3, 0),
        ]
        for (place, value) in changes {
          var bad = good
          bad[layout + place] = value
          let refusal = refused(bad)
          #expect(refusal?.kind == .format, "\(place) of \(layout) is \(value): \(refusal?.message ?? "accepted")")
        }
      }
    }

    /// libhdf5 takes memory for a root group's header, of up to 4 GB, before it looks whether the file has as many bytes.
    @Test func rootGroupsBeyondTheFileAreRefused() throws {
      let good = [UInt8](try Data(contentsOf: fixture("plain")))
      #expect(good[8] == 0)
      let root = good[64..<72].reversed().reduce(0) { $0 << 8 | Int($1) }
      for changed in [root + 8..<root + 12, 64..<72, 48..<56] {
        var bad = good
        for place in changed { bad[place] = place == 55 ? 0x7f : 0xff &- good[place] }
        #expect(refused(bad)?.message.contains("root group is damaged") ?? false, "\(changed)")
      }
    }

    /// Without checksums anything may come out, but nothing may crash.
    @Test func flippedBytesOfUnprotectedFilesDoNoHarm() throws {
      let good = [UInt8](try Data(contentsOf: fixture("plain")))
      for offset in stride(from: 8, to: good.count, by: 31) {
        for value: UInt8 in [0x00, 0xff, good[offset] ^ 0x10] {
          var bad = good
          bad[offset] = value
          _ = refused(bad)
        }
      }
    }
  }
}
