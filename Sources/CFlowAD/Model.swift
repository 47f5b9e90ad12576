import Basics
import CFlowADHeader
import Imaging
import ModelFile
import Scoring

let models = HandleTable<Detector>(kind: 1, name: "model")

@_cdecl("cflowad_model_open") @implementation
public func cflowad_model_open(
  _ path: UnsafePointer<CChar>?, _ model: UnsafeMutablePointer<OpaquePointer?>?
) -> cflowad_status {
  attempt { () throws(Failure) in
    let model = try checkedOutput(model, "model")
    let path = try checkedPath(path)
    let detector = try ModelFile.detector(path: path)
    model.pointee = try models.insert(detector)
    Log.opened(detector, "model opened: \(path.shown)")
  }
}

@_cdecl("cflowad_model_open_memory") @implementation
public func cflowad_model_open_memory(
  _ data: UnsafeRawPointer?, _ size: Int, _ model: UnsafeMutablePointer<OpaquePointer?>?
) -> cflowad_status {
  attempt { () throws(Failure) in
    let model = try checkedOutput(model, "model")
    guard let data, size > 0 else { throw Failure(.invalidArgument, "the model's data is NULL or empty") }
    let bytes = UnsafeRawBufferPointer(start: data, count: size)
    let detector = try ModelFile.detector(bytes: bytes)
    model.pointee = try models.insert(detector)
    Log.opened(detector, "model opened from \(size) bytes in memory")
  }
}

@_cdecl("cflowad_model_get_info") @implementation
public func cflowad_model_get_info(
  _ model: OpaquePointer?, _ info: UnsafeMutablePointer<cflowad_model_info>?
) -> cflowad_status {
  attempt { () throws(Failure) in
    let detector = try models.object(model)
    let info = try checkedOutput(info, "info")
    var filled = try CallerStruct.read(info, "info")
    copyText(detector.encoderDescription.architecture, into: &filled.architecture)
    copyText(detector.encoderDescription.padding.rawValue, into: &filled.padding)
    filled.input_width = UInt32(detector.preprocessing.width)
    filled.input_height = UInt32(detector.preprocessing.height)
    filled.level_count = UInt32(detector.levels.count)
    copyLevels(detector.levels, { $0.width }, into: &filled.level_width)
    copyLevels(detector.levels, { $0.height }, into: &filled.level_height)
    copyLevels(detector.levels, { $0.channels }, into: &filled.level_channels)
    filled.coupling_blocks = UInt32(detector.flowDescription.blockCount)
    filled.condition_channels = UInt32(detector.flowDescription.conditionChannels)
    let calibration = detector.calibration
    filled.is_calibrated = calibration == nil ? 0 : 1
    filled.threshold = calibration?.threshold ?? .nan
    filled.review_threshold = calibration?.reviewThreshold ?? .nan
    filled.pixel_threshold = calibration?.mapScale.threshold ?? .nan
    filled.map_low = calibration?.mapScale.low ?? .nan
    filled.map_high = calibration?.mapScale.high ?? .nan
    filled.has_region_of_interest = calibration?.regionOfInterest == nil ? 0 : 1
    filled.calibration_count = UInt64(calibration?.scores.count ?? 0)
    filled.promised_rate = calibration?.promisedRate(above: filled.threshold) ?? .nan
    filled.tile_width = UInt32(detector.preprocessing.tiling?.width ?? 0)
    filled.tile_height = UInt32(detector.preprocessing.tiling?.height ?? 0)
    filled.tile_overlap = UInt32(detector.preprocessing.tiling?.overlap ?? 0)
    filled.resample = detector.preprocessing.resampling.rawValue
    filled.low_threshold = calibration?.lowSide?.threshold ?? .nan
    filled.low_verdict = calibration?.lowSide?.verdict.rawValue ?? Verdict.pass.rawValue
    filled.low_promised_rate =
      calibration?.lowSide.map { calibration?.promisedRate(below: $0.threshold) ?? .nan } ?? .nan
    filled.strange_tried = calibration?.triedKinds.bits ?? 0
    filled.strange_passed = calibration?.passedKinds.bits ?? 0
    filled.mean_threshold = calibration?.meanThreshold ?? .nan
    filled.map_smoothing = Float(calibration?.smoothing ?? 0)
    filled.precision = detector.encoderDescription.precision.number
    copyText(detector.identity ?? "", into: &filled.identity)
    copyText(detector.provenance["name"] ?? "", into: &filled.name)
    copyText(detector.provenance["created"] ?? "", into: &filled.created)
    filled.parameter_count = UInt64(detector.parameterCount)
    filled.session_bytes = UInt64(try detector.sessionBytes)
    CallerStruct.write(filled, to: info)
  }
}

@_cdecl("cflowad_model_info_map_size") @implementation
public func cflowad_model_info_map_size(
  _ info: UnsafePointer<cflowad_model_info>?, _ frameWidth: UInt32, _ frameHeight: UInt32,
  _ mapWidth: UnsafeMutablePointer<UInt32>?, _ mapHeight: UnsafeMutablePointer<UInt32>?,
  _ tileCount: UnsafeMutablePointer<UInt32>?
) -> cflowad_status {
  attempt { () throws(Failure) in
    let info = try CallerStruct.read(info, "info")
    let sides = 1...UInt32(Frame.maximumSide)
    guard sides.contains(frameWidth), sides.contains(frameHeight) else {
      throw Failure(.invalidArgument, "a frame of \(frameWidth)x\(frameHeight) pixels is not within \(sides)")
    }
    let preprocessing = try Preprocessing(
      width: Int(info.input_width), height: Int(info.input_height), mean: [0, 0, 0], standardDeviation: [1, 1, 1],
      tiling: Tiling(info.tile_width, info.tile_height, overlap: info.tile_overlap))
    let tiles = preprocessing.tiles(frameWidth: Int(frameWidth), frameHeight: Int(frameHeight))
    mapWidth?.pointee = UInt32(tiles.columns.mapLength)
    mapHeight?.pointee = UInt32(tiles.rows.mapLength)
    tileCount?.pointee = UInt32(tiles.count)
  }
}

/// Copies text into a fixed C array of bytes, NUL-terminated and cut between two characters if it is too long.
private func copyText<Array>(_ text: String, into array: inout Array) {
  withUnsafeMutableBytes(of: &array) { bytes in
    var length = 0
    for scalar in text.unicodeScalars {
      let encoded = UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter
      guard length + encoded.count < bytes.count else { break }
      for byte in encoded {
        bytes[length] = byte
        length += 1
      }
    }
    bytes[length] = 0
  }
}

extension [StrangeFrame] {
  /// The kinds as a set of bits of the header's constants.
  fileprivate var bits: UInt32 { reduce(0) { $0 | $1.bit } }
}

@_cdecl("cflowad_model_close") @implementation
public func cflowad_model_close(_ model: OpaquePointer?) -> cflowad_status {
  attempt { () throws(Failure) in
    try models.remove(model)
    if model != nil { Log.write(.debug, "model closed") }
  }
}
