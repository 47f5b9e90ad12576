import Basics
import Imaging
import Scoring

/// What a frame is for: the `CFLOWAD_ROLE_` constants.
package enum FrameRole: Int32, Sendable {
  case training = 0
  case calibration = 1
  case defective = 2
}

/// The frames that a detector is made from, by their role. Frames, or their tiles, are resized to the network's input
/// when they are added, and stored as 8-bit RGB, 3 bytes per pixel.
struct TrainingFrames {
  struct Good {
    let frame: PreparedFrame
    /// The frame's index among those that were given, and its name.
    let label: ThresholdFrame
  }

  private var goodForTraining: [Good] = []
  /// The good frames held back from training.
  private(set) var goodForCalibration: [Good] = []
  /// Defective examples, which serve only to choose the threshold.
  private(set) var defective: [PreparedFrame] = []
  var training: [PreparedFrame] { goodForTraining.map(\.frame) }
  var calibration: [PreparedFrame] { goodForCalibration.map(\.frame) }
  /// Fingerprints of all frames that the flows were trained on, including those of earlier trainings where they are known.
  private(set) var trained: Set<UInt64>
  private var givenCount = 0
  private let preprocessing: Preprocessing
  private let resizer: Resizer

  /// - Parameter trained: fingerprints of the frames of earlier trainings.
  init(_ preprocessing: Preprocessing, trained: Set<UInt64>) throws(Failure) {
    self.preprocessing = preprocessing
    self.trained = trained
    resizer = try preprocessing.resizer()
  }

  /// Adds a frame of any size. Fails with `.state` when a frame that was trained on is to be held back.
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

  /// Moves a seeded random choice of training frames to the calibration frames, when there are none. Copies of a frame
  /// move with it, and frames of an earlier training stay.
  ///
  /// - Parameter fraction: the share of the different frames to move; at least one frame moves.
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

  /// Fails with `.state` when a frame is both trained on and held back, since a frame that was trained on says nothing
  /// about new ones.
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
