import Basics
import Imaging

/// Draws a heat map over a frame: ``ColorMap/inferno`` from purple to orange by value, more opaque the higher the
/// value, and a contour around where the map is above the threshold.
///
/// - `map`: the frame's height x width values, row-major. Values that are not finite are drawn as `low` and are not
///   above a threshold.
/// - `window`: how the frame's samples of more than 8 bits become 8.
/// - `rgb`: receives height x width RGB8 pixels, rows without gaps.
///
/// The contour is a cyan line, one pixel for every 256 of the frame's longer side and at least one, with a dark edge so
/// that it stands out on bright heat and bright frames alike. It runs on the outermost pixels inside the region. Fails
/// with `outOfMemory` when there is no memory for the contour, a byte per pixel.
package func render(
  frame: Frame, map: UnsafePointer<Float>, overlay: Overlay, window: Window = .full,
  into rgb: UnsafeMutablePointer<UInt8>
) throws(Failure) {
  let contour = try overlay.threshold.map { threshold throws(Failure) in
    try Contour(map, width: frame.width, height: frame.height, threshold: threshold)
  }
  let reader = try RowReader(window: window)
  reader.prepare(frame)
  let row = try Buffer<UInt8>(count: 3 * frame.width)
  drawHeat(frame, map, overlay, rgb) { y in
    reader.read(frame, y, into: row.base)
    return UnsafePointer(row.base)
  }
  contour?.draw(edged: SIMD3(0, 255, 255), into: rgb)
}

/// Draws a line of a colour, like the contour of a heat map, around where a mask is not 0.
///
/// - `mask`: height x width values.
/// - `rgb`: height x width RGB8 pixels, rows without gaps, which are drawn on.
package func renderOutline(
  _ mask: UnsafePointer<UInt8>, width: Int, height: Int, color: SIMD3<UInt8>, into rgb: UnsafeMutablePointer<UInt8>
) throws(Failure) {
  try Contour(width: width, height: height) { mask[$0] != 0 }.draw(edged: color, into: rgb)
}

extension Contour {
  /// Draws a line of the colour with a dark edge.
  fileprivate func draw(edged color: SIMD3<UInt8>, into rgb: UnsafeMutablePointer<UInt8>) {
    draw(SIMD3(8, 24, 32), widenedBy: edgeWidth, into: rgb)
    draw(color, widenedBy: 0, into: rgb)
  }
}

private func drawHeat(
  _ frame: Frame, _ map: UnsafePointer<Float>, _ overlay: Overlay, _ rgb: UnsafeMutablePointer<UInt8>,
  row: (Int) -> UnsafePointer<UInt8>
) {
  let (step, green, blue) = frame.format.channelCount == 1 ? (1, 0, 0) : (3, 1, 2)
  withUnsafeTemporaryAllocation(of: SIMD4<Float>.self, capacity: Overlay.steps + 1) { heats in
    for step in 0...Overlay.steps {
      let (color, alpha) = overlay.heat(Float(step) / Float(Overlay.steps))
      // The colour times its opacity, and the share that is left to the frame.
      heats[step] = SIMD4(color * alpha + 0.5, 1 - alpha)
    }
    for y in 0..<frame.height {
      let pixels = row(y)
      for x in 0..<frame.width {
        let index = y &* frame.width &+ x
        let heat = heats[overlay.step(map[index])]
        let pixel = SIMD3<Float>(
          SIMD3(pixels[step &* x], pixels[step &* x &+ green], pixels[step &* x &+ blue]))
        let color = SIMD3(heat.x, heat.y, heat.z) + pixel * heat.w
        rgb[3 &* index] = UInt8(min(color.x, 255))
        rgb[3 &* index &+ 1] = UInt8(min(color.y, 255))
        rgb[3 &* index &+ 2] = UInt8(min(color.z, 255))
      }
    }
  }
}
