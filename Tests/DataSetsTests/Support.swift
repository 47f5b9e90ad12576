import Foundation
import PNG
import Testing

/// A fixture's path; Tests/Fixtures/make_data_sets.py makes them.
func fixture(_ name: String) throws -> String {
  try #require(Bundle.module.resourceURL).appendingPathComponent("Fixtures/\(name)").path
}

func fixtureNames(_ folder: String) -> [String] {
  ((try? FileManager.default.contentsOfDirectory(atPath: fixture(folder))) ?? []).sorted()
}

/// A folder of its own for a test, removed with the object.
final class TemporaryFolder {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.appendingPathComponent("cflowad-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func callAsFunction(_ name: String) -> String { "\(path)/\(name)" }

  /// Writes files in folders that are made: images, or text for the others.
  func make(_ names: String..., text: String = "") throws {
    for name in names {
      let url = URL(filePath: self(name))
      try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      if name.hasSuffix(".png") {
        let pixels: [UInt8] = [0, 255, 0, 0]
        try PNG.write(path: url.path, pixels: pixels, width: 2, height: 2, stride: 2, channels: 1)
      } else {
        try Data(text.utf8).write(to: url)
      }
    }
  }
}
