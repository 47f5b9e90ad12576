import Basics
import Encoders
import Execution
import ImageFiles
import Imaging
import ModelFile
import Scoring

// How far the features of an 8-bit encoder are from those of the same encoder in float32, and how long both take.
//
//     quantization MODEL GOOD_FOLDER TEST_FOLDER [THREADS]

/// Frames of a folder at the network's size.
func pictures(_ folder: String, _ preprocessing: Preprocessing, atMost limit: Int) throws(Failure) -> [[UInt8]] {
  let resizer = try preprocessing.resizer()
  let names = try Folder(folder).images
  var pictures: [[UInt8]] = []
  for i in 0..<min(limit, names.count) {
    let picture = try ImageFile.read(path: Folder(folder).file(names[i * names.count / min(limit, names.count)]))
    var pixels = [UInt8](repeating: 0, count: 3 * preprocessing.width * preprocessing.height)
    try pixels.withUnsafeMutableBufferPointer { (pixels) throws(Failure) in
      guard let base = pixels.baseAddress else { return }
      try picture.withFrame { (frame) throws(Failure) in try resizer.resize(frame, into: base) }
    }
    pictures.append(pixels)
  }
  return pictures
}

func fastest(_ run: () -> Void) -> Double {
  let clock = ContinuousClock()
  var fastest = Double.infinity
  for _ in 0..<60 {
    let start = clock.now
    run()
    let elapsed = (clock.now - start).components
    fastest = min(fastest, Double(elapsed.seconds) * 1e3 + Double(elapsed.attoseconds) * 1e-15)
  }
  return fastest
}

@MainActor func run() throws(Failure) {
  let arguments = CommandLine.arguments
  guard arguments.count > 3 else { throw Failure(.invalidArgument, "quantization MODEL GOOD_FOLDER TEST_FOLDER") }
  let contents = try ModelFile.read(path: arguments[1])
  let preprocessing = contents.preprocessing
  let (height, width) = (preprocessing.height, preprocessing.width)
  let workers = try Workers(count: arguments.count > 4 ? Int(arguments[4]) ?? 1 : 1)
  let good = try pictures(arguments[2], preprocessing, atMost: 32)
  let tested = try pictures(arguments[3], preprocessing, atMost: 16)
  let normalization = Normalization(preprocessing)
  let input = try FloatBuffer(count: 3 * width * height)
  func normalize(_ pixels: [UInt8]) {
    pixels.withUnsafeBufferPointer { pixels in
      guard let base = pixels.baseAddress else { return }
      normalization.apply(base, width: width, height: height, into: input.base, workers)
    }
  }
  var quantizer = try EncoderQuantizer(
    contents.encoder, weights: contents.encoderWeights, mean: preprocessing.mean,
    standardDeviation: preprocessing.standardDeviation, workers: workers)
  let (description, weights) = try quantizer.quantize(height: height, width: width, workers: workers) {
    (body) throws(Failure) in
    for pixels in good {
      normalize(pixels)
      try body(input.base)
    }
  }
  let size = EncoderInputSize(height: height, width: width)
  let (exact, quantized) = (
    try Encoder(contents.encoder, weights: contents.encoderWeights, inputSize: size, workers: workers),
    try Encoder(description, weights: weights, inputSize: size, workers: workers)
  )
  let sessions = (
    try EncoderSession(exact, height: height, width: width, workers: workers),
    try EncoderSession(quantized, height: height, width: width, workers: workers)
  )
  var errors = sessions.0.levelGrids.map { _ in (error: 0.0, square: 0.0) }
  var fingerprint = Fingerprint()
  for pixels in tested {
    normalize(pixels)
    sessions.0.run(input.base)
    pixels.withUnsafeBytes { if let base = $0.baseAddress { sessions.1.run(base) } }
    for (level, grid) in sessions.0.levelGrids.enumerated() {
      let (a, b) = (sessions.0.features[level], sessions.1.features[level])
      fingerprint.add(UnsafeRawBufferPointer(start: b, count: 4 * grid.count))
      // Relative to the spread of each channel.
      for channel in 0..<grid.channels {
        var mean = 0.0
        for i in 0..<grid.positions { mean += Double(a[i * grid.channels + channel]) }
        mean /= Double(grid.positions)
        for i in 0..<grid.positions {
          let place = i * grid.channels + channel
          errors[level].error += Double(a[place] - b[place]) * Double(a[place] - b[place])
          errors[level].square += (Double(a[place]) - mean) * (Double(a[place]) - mean)
        }
      }
    }
  }
  for (level, sums) in errors.enumerated() {
    let percent = (1000 * (sums.error / sums.square).squareRoot()).rounded() / 10
    print("level \(level): \(percent) % r.m.s. of the features' spread")
  }
  print("bits of the features: \(String(fingerprint.bits, radix: 16))")
  let float = fastest { sessions.0.run(input.base) }
  let bytes = tested[0].withUnsafeBytes { pixels in
    fastest { if let base = pixels.baseAddress { sessions.1.run(base) } }
  }
  print("float32 \(float) ms, int8 \(bytes) ms, on \(workers.count) threads")
}

do {
  try run()
} catch {
  print(error.message)
  exit(1)
}
