import Basics
import ImageFiles
import Imaging
import PNG
import Rendering
import Scoring

/// Writes the heat map of every frame as a PNG file under the frame's own path, without the folders that all frames share; the
/// name of a frame that is not a PNG file gets ".png" at its end, and a number before that where another heat map has the name.
final class HeatMapFolder {
  private let folder: String
  private let isOverlay: Bool
  /// The path of each frame's heat map by the frame's path.
  private var targets: [String: String] = [:]

  /// Makes the folder. Fails when it cannot be written to, or when a heat map would replace a frame.
  init(_ folder: String, frames: [String], isOverlay: Bool) throws(Failure) {
    self.folder = folder
    self.isOverlay = isOverlay
    let components = frames.map { Folder.parts(of: $0) }
    var shared = (components.first ?? []).dropLast()
    for path in components {
      shared = shared.prefix(zip(shared, path.dropLast()).prefix { $0 == $1 }.count)
    }
    let inputs = Set(frames.compactMap { FileIdentity($0) })
    let names = zip(frames, components).map { frame, path in
      (frame: frame, name: ([folder] + path.dropFirst(shared.count)).joined(separator: "/"))
    }
    var taken: Set<String> = []
    // Frames that keep their names come first.
    for (frame, name) in names.filter({ Self.isPNG($0.name) }) + names.filter({ !Self.isPNG($0.name) }) {
      let stem = Self.isPNG(name) ? name.stem : name
      var target = Self.isPNG(name) ? name : name + ".png"
      var number = 1
      while !taken.insert(target).inserted {
        number += 1
        target = "\(stem).\(number).png"
      }
      if let identity = FileIdentity(target), inputs.contains(identity) {
        throw Failure(.invalidArgument, "\(target): the heat map would replace a frame; choose another folder")
      }
      targets[frame] = target
    }
    if !frames.isEmpty {
      try Folder(folder).make()
      guard access(folder.pathBytes, W_OK | X_OK) == 0 else {
        throw Failure(.io, "\(folder): the folder cannot be written to")
      }
    }
  }

  private static func isPNG(_ name: String) -> Bool { name.lowercased().hasSuffix(".png") }

  /// Draws the map of a frame.
  func write(_ path: String, _ frame: Frame, _ result: FrameResult) throws(Failure) {
    guard let target = targets[path], let map = result.frameMap, let scale = result.detector.calibration?.mapScale
    else { return }
    let count = frame.width * frame.height
    let rgb = try Buffer<UInt8>(count: 3 * count)
    if isOverlay {
      let overlay = try Overlay(low: scale.low, high: scale.high, threshold: result.thresholds.pixelThreshold)
      try render(
        frame: frame, map: map, overlay: overlay, window: result.detector.preprocessing.window, into: rgb.base)
    } else {
      for i in 0..<count {
        let color = ColorMap.inferno.color((map[i] - scale.low) / (scale.high - scale.low))
        (rgb.base[3 * i], rgb.base[3 * i + 1], rgb.base[3 * i + 2]) = (color.x, color.y, color.z)
      }
    }
    let parent = target.lastIndex(of: "/").map { String(target[..<$0]) } ?? "."
    try Folder(parent.isEmpty ? "/" : parent).make()
    try PNG.write(
      path: target, pixels: rgb.base, width: frame.width, height: frame.height, stride: 3 * frame.width, channels: 3)
  }
}
