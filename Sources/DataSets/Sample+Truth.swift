import Basics
import ImageFiles

extension Sample {
  /// Writes which pixels are defective, at a size: 1 for those that are, else 0, row by row. All are 0 for a good image.
  ///
  /// Takes the nearest pixel, as Pillow does. Fails with `.format` for a mask that is damaged or missing, with `.io` and with
  /// `.unsupported`.
  package func truth(width: Int, height: Int, into pixels: UnsafeMutablePointer<UInt8>) throws(Failure) {
    pixels.update(repeating: 0, count: width * height)
    guard isDefective else { return }
    switch mask {
    case .missing: throw Failure(.format, "\(image): there is no mask of this defective image")
    case .lost(let message): throw Failure(.format, message)
    case .images(let paths):
      for path in paths {
        let mask = try MaskFile(path: path)
        resample(from: (mask.width, mask.height), to: (width, height), into: pixels) { mask[$0] }
      }
    case .array(let path, let frame):
      let file = try NPYFile(path: path)
      guard file.shape.count == 3, file.shape.allSatisfy({ $0 > 0 }), frame < file.shape[0] else {
        throw Failure(.format, "\(path): an array of shape \(file.shape) has no mask of frame \(frame)")
      }
      let size = file.shape[1] * file.shape[2]
      let isDefective = try file.isNonzero(in: frame * size..<(frame + 1) * size)
      resample(from: (file.shape[2], file.shape[1]), to: (width, height), into: pixels) { isDefective[$0] }
    }
  }
}

/// Sets defective pixels to 1 and leaves the others.
private func resample(
  from source: (width: Int, height: Int), to target: (width: Int, height: Int),
  into pixels: UnsafeMutablePointer<UInt8>,
  _ isDefective: (_ pixel: Int) -> Bool
) {
  let columns = nearest(source.width, to: target.width)
  for (y, row) in nearest(source.height, to: target.height).enumerated() {
    for (x, column) in columns.enumerated() {
      if isDefective(row * source.width + column) { pixels[y * target.width + x] = 1 }
    }
  }
}

/// The source of each of `count` places. Centres are computed by repeated addition, as in Pillow, with the same rounding.
private func nearest(_ length: Int, to count: Int) -> [Int] {
  let step = Double(length) / Double(count)
  var position = step * 0.5
  return (0..<count).map { _ in
    defer { position += step }
    return min(Int(position), length - 1)
  }
}
