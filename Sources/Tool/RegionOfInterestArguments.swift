import ArgumentParser
import Basics
import ImageFiles
import Imaging
import Scoring

/// The options of all commands that score or calibrate within a part of the frames.
struct RegionOfInterestArguments: ParsableArguments {
  @Option(
    name: .customLong("roi"),
    help: ArgumentHelp(
      "Only what lies within this rectangle counts: its left column, top row, width and height in pixels; may be "
        + "repeated. Needs --roi-size.", valueName: "x,y,width,height"))
  var rectangles: [FrameRectangle] = []

  @Option(
    name: .customLong("roi-size"),
    help: ArgumentHelp(
      "Size in pixels of the frames that the rectangles are of, e.g. 640x480, each side up to 65535; of frames of other "
        + "sizes the same share counts.",
      valueName: "size"))
  var size: InputSize?

  @Option(
    name: .customLong("roi-mask"),
    help: ArgumentHelp(
      "Only what is not black in this image counts, of a JPEG file what is at least half of white; it is laid over the whole frame, whatever its own size.",
      valueName: "image"))
  var mask: String?

  /// The files that these options read.
  var files: [String] { mask.map { [$0] } ?? [] }

  func validate() throws {
    guard rectangles.isEmpty == (size == nil) else { throw ValidationError("--roi and --roi-size go together") }
    let sides = 1...Frame.maximumSide
    if let size, !sides.contains(size.width) || !sides.contains(size.height) {
      throw ValidationError("the size of --roi-size is not within \(sides)")
    }
  }

  /// The region for detectors of a preprocessing; nil when none is wanted.
  func region(for preprocessing: Preprocessing) throws(Failure) -> RegionOfInterest? {
    guard size != nil || mask != nil else { return nil }
    guard let mask else { return try region(for: preprocessing, mask: nil) }
    let image = try MaskFile(path: mask)
    let inside = (0..<image.width * image.height).map { pixel -> UInt8 in image[pixel] ? 1 : 0 }
    return try inside.withUnsafeBufferPointer { (inside) throws(Failure) in
      guard let base = inside.baseAddress else { return nil }
      return try region(
        for: preprocessing,
        mask: BorrowedMask(base: base, width: image.width, height: image.height, stride: image.width))
    }
  }

  private func region(for preprocessing: Preprocessing, mask: BorrowedMask?) throws(Failure) -> RegionOfInterest? {
    guard let (width, height) = size.map({ ($0.width, $0.height) }) ?? mask.map({ ($0.width, $0.height) }) else {
      return nil
    }
    return try RegionOfInterest(
      preprocessing.tiles(frameWidth: width, frameHeight: height),
      rectangles: rectangles.isEmpty ? nil : rectangles.map(\.rectangle), mask: mask)
  }
}

/// A rectangle, written "x,y,width,height".
struct FrameRectangle: ExpressibleByArgument {
  let rectangle: Frame.Rectangle

  init?(argument: String) {
    let numbers = argument.split(separator: ",", omittingEmptySubsequences: false).map { UInt32($0) }
    guard numbers.count == 4, let x = numbers[0], let y = numbers[1], let width = numbers[2], let height = numbers[3]
    else { return nil }
    rectangle = .init(x: Int(x), y: Int(y), width: Int(width), height: Int(height))
  }
}
