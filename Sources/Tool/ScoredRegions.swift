import Scoring
import Segmentation

/// The regions of a frame as JSON. Pixel (x, y) is the square from (x, y) to (x + 1, y + 1).
struct ScoredRegions: Codable {
  struct Item: Codable {
    var x: Int
    var y: Int
    var width: Int
    var height: Int
    var area: Int
    /// x and y.
    var centroid: [Float]
    var peak: Float
    /// x and y.
    var peakPixel: [Int]
    var mean: Float
    /// Nil when the model's file does not hold its calibration's scores.
    var pValue: Float?
    /// x and y of each corner, clockwise; nil unless asked for.
    var contour: [[Int]]?

    /// The names of the columns of ``csvCells``.
    static let csvColumns = [
      "x", "y", "width", "height", "area", "centroid_x", "centroid_y", "peak", "peak_x", "peak_y", "mean",
      "region_p_value",
    ]

    /// Where it is, in words.
    var text: String { "\(String(pixels: width, height)) at \(x),\(y), area \(area)" }

    var csvCells: [String] {
      let box: [String] = [x, y, width, height, area].map { String($0) }
      let values: [String] = centroid.map { "\($0)" } + ["\(peak)"] + peakPixel.map { String($0) } + ["\(mean)"]
      return box + values + [pValue.map { "\($0)" } ?? ""]
    }
  }

  /// How many regions there are.
  var count: Int
  /// The most severe regions.
  var list: [Item]

  /// Nil when no regions were looked for.
  init?(_ result: FrameResult, hasContours: Bool) {
    guard let regions = result.regions else { return nil }
    count = regions.count
    list = regions.kept.map { region in
      var contour: [[Int]] = []
      if hasContours { _ = regions.contour(of: region) { _, x, y in contour.append([x, y]) } }
      return Item(
        x: region.x, y: region.y, width: region.width, height: region.height, area: region.area,
        centroid: [region.centroidX, region.centroidY], peak: region.peak, peakPixel: [region.peakX, region.peakY],
        mean: region.mean, pValue: number(result.pValue(of: region.peak)),
        contour: hasContours ? contour : nil)
    }
  }
}
