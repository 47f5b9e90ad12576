import Basics
import Imaging
import Scoring

/// What a frame is for: the `CFLOWAD_ROLE_` constants.
package enum FrameRole: Int32, Sendable {
  case training = 0
  case calibration = 1
  case defective = 2
}

/// The frames that a detector is made of, by what they are for: resized to the network's input at once, or their tiles, and
/// kept as 8-bit RGB, 3 bytes per pixel.
struct TrainingFrames {
  struct Good {
    let frame: PreparedFrame
    /// Which of the given frames it is.
    let label: ThresholdFrame
  }

  private var goodForTraining: [Good] = []
  /// Held back from training.
  private(set) var goodForCalibration: [Good] = []
  /// Defective examples, which only choose the threshold.
  private(set) var defective: [PreparedFrame] = []
  var training: [PreparedFrame] { goodForTraining.map(\.frame) }
  var calibration: [PreparedFrame] { goodForCalibration.map(\.frame) }
  /// Fingerprints of all frames that the flows were trained on, by earlier trainings as well as far as they are known.
  private(set) var trained: Set<UInt64>
  private var givenCount = 0
  private let preprocessing: Preprocessing
  private let resizer: Resizer

  /// - Parameter trained: fingerprints of what earlier trainings have seen.
  init(_ preprocessing: Preprocessing, trained: Set<UInt64>) throws(Failure) {
    self.preprocessing = preprocessing
    self.trained = trained
    resizer = try preprocessing.resizer()
  }

  /// Adds a frame of any size. Fails with `.state` when it is to be held back from training, but was trained on.
  mutating func add(_ frame: Frame, role: FrameRole, name: String) throws(Failure) {
    let frame = try PreparedFrame(frame, preprocessing, resizer: resizer)
    guard role == .training || !trained.contains(Self.fingerprint(frame)) else {
      throw Failure(.state, "the detector was trained on this frame, which therefore says nothing about new ones")
    }
    let label = ThresholdFrame(index: givenCount, name: name)
    givenCount += 1
    switch role {
    case .training: goodForTraining.append(Good(frame: frame, label: label))
    case .calibration: goodForCalibration.append(Good(frame: frame, label: label))
    case .defective: defective.append(frame)
    }
  }

  /// Moves a seeded choice of training frames to the calibration frames, when there are none. Copies of a frame go with it,
  /// and what an earlier training has seen stays.
  ///
  /// - Parameter fraction: of the frames that are different; one at least.
  mutating func holdBack(_ fraction: Double, seed: UInt64) throws(Failure) {
    guard goodForCalibration.isEmpty else { return }
    let fingerprints = training.map { Self.fingerprint($0) }
    var met = Set<UInt64>()
    let different = fingerprints.filter { met.insert($0).inserted }
    guard different.count > 1 else {
      throw Failure(.state, "one frame is not enough: one is held back from training for calibration")
    }
    var random = Random(seed: seed, purpose: "hold back")
    let eligible = random.permutation(different.count).map { different[$0] }.filter { !trained.contains($0) }
    guard !eligible.isEmpty else {
      throw Failure(.state, "the detector was trained on all of these frames before: none can be held back")
    }
    let wanted = Int((fraction * Double(different.count)).rounded())
    let chosen = Set(eligible.prefix(min(max(wanted, 1), different.count - 1)))
    var left = chosen
    let all = zip(goodForTraining, fingerprints)
    goodForCalibration = all.filter { left.remove($1) != nil }.map(\.0)
    goodForTraining = all.filter { !chosen.contains($1) }.map(\.0)
  }

  /// Fails with `.state` when a frame is to be trained on and held back: what was trained on says nothing about new frames.
  func checkHeldBack() throws(Failure) {
    let training = Set(training.map { Self.fingerprint($0) })
    for (name, frames) in [("calibration", calibration), ("defective", defective)] {
      if let index = frames.firstIndex(where: { training.contains(Self.fingerprint($0)) }) {
        throw Failure(.state, "\(name) frame \(index) is also one to train on")
      }
    }
  }

  /// Notes that the flows are trained on the training frames.
  mutating func noteTraining() { trained.formUnion(training.map { Self.fingerprint($0) }) }

  private static func fingerprint(_ frame: PreparedFrame) -> UInt64 {
    var fingerprint = Fingerprint()
    for picture in frame.pictures { fingerprint.add(picture) }
    return fingerprint.bits
  }
}
