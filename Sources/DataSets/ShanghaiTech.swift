import Basics
import ImageFiles

/// The layout of STC, ShanghaiTech Campus (W. Luo, W. Liu, S. Gao, ICCV 2017). A class is a scene, "01" to "12"; a clip's
/// name begins with its scene's.
///
///     training/videos/CLIP.avi              or, once they are extracted:
///     training/frames/CLIP/NAME.jpg
///     testing/frames/CLIP/NAME.jpg
///     testing/test_frame_mask/CLIP.npy      for each frame whether it is anomalous
///     testing/test_pixel_mask/CLIP.npy      frames x height x width
enum ShanghaiTech {
  static func isLayout(_ path: String) -> Bool { (Folder(path) / "testing" / "frames").exists }

  static func classes(
    _ path: String, _ part: DataSet.Part, className: String?, report: (String) -> Void
  ) throws(Failure) -> [DataSet.ImageClass] {
    let root = Folder(path)
    var names: [String] = []
    var samples: [String: [Sample]] = [:]
    if part == .training { try extractVideos(root / "training", className: className, report: report) }
    let frames = root / (part == .training ? "training" : "testing") / "frames"
    for clip in try frames.folders {
      let name = scene(clip)
      if samples[name] == nil { names.append(name) }
      guard className == nil || className == name else {
        samples[name] = []
        continue
      }
      samples[name, default: []] += try self.samples(frames / clip, part, testing: root / "testing")
    }
    return names.map { DataSet.ImageClass(name: $0, samples: samples[$0] ?? []) }
  }

  private static func scene(_ clip: String) -> String { String(clip.prefix { $0 != "_" }) }

  private static func samples(_ clip: Folder, _ part: DataSet.Part, testing: Folder) throws(Failure) -> [Sample] {
    let images = try clip.images.map { "\(clip.path)/\($0)" }
    guard part == .test else { return images.map { Sample(image: $0) } }
    let labels = try NPYFile(path: "\(testing.path)/test_frame_mask/\(clip.name).npy")
    let isAnomalous = try labels.isNonzero(in: 0..<labels.count)
    guard isAnomalous.count == images.count else {
      throw Failure(
        .format, "\(clip.path): \(images.count) frames do not fit the \(isAnomalous.count) labels of \(labels.path)")
    }
    let pixels = "\(testing.path)/test_pixel_mask/\(clip.name).npy"
    return images.indices.map {
      isAnomalous[$0]
        ? Sample(image: images[$0], defect: "anomaly", mask: .array(pixels, frame: $0)) : Sample(image: images[$0])
    }
  }

  /// Extracts the frames of clips that are only there as videos.
  private static func extractVideos(
    _ training: Folder, className: String?, report: (String) -> Void
  ) throws(Failure) {
    guard (training / "videos").exists else { return }
    for video in try (training / "videos").files where video.lowercased().hasSuffix(".avi") {
      let clip = video.stem
      guard className == nil || className == scene(clip), !(training / "frames" / clip).exists else { continue }
      report("extracting the frames of \(video)")
      try VideoFrames.extract("\(training.path)/videos/\(video)", to: "\(training.path)/frames/\(clip)")
    }
  }
}
