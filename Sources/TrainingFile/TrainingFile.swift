import Basics
import HDF5
import Training

/// The state of a fit in a file of its own: HDF5, for the machine and the version that wrote it.
///
/// `/` has `format` = "cflowad training", `format_version` = 1, `passes` and the texts `options`, `weights` and
/// `frames` of its ``TrainingIdentity``; `/0`, `/1` ..., one for each level, have `steps` and the datasets
/// `parameters`, `first_moments` and `second_moments`. For a fit from a closed form `/` also has `planned_steps`, and
/// each level has `gains` and, when one of these is above 0, the dataset `best`.
package struct TrainingFile: TrainingCheckpoint {
  package let path: String

  private static let formatName = "cflowad training"
  private static let formatVersion = 1

  package init(path: String) { self.path = path }

  package func load() throws(Failure) -> TrainingState? {
    guard access(path.pathBytes, F_OK) == 0 else { return nil }
    let file = try RegularFile(path: path)
    do throws(Failure) {
      return try FileImage.read(file) { root throws(Failure) in try state(root) }
    } catch { throw error.within(path) }
  }

  package func save(_ state: TrainingState) throws(Failure) {
    let numbers =
      state.flows.reduce(0) { $0 + 3 * $1.parameters.count } + state.couplings.reduce(0) { $0 + ($1.best?.count ?? 0) }
    let bytes = try FileImage.build(expectedSize: numbers * MemoryLayout<Float>.stride) { root throws(Failure) in
      try fill(root, state)
    }
    try withExtendedLifetime(bytes) { () throws(Failure) in
      try AtomicFile.write(UnsafeRawBufferPointer(bytes.buffer), to: path)
    }
  }

  /// Deletes the file, if there is one, when its run has ended.
  package func remove() { unlink(path.pathBytes) }

  private func state(_ root: Group) throws(Failure) -> TrainingState {
    guard try root.hasAttribute("format"), try root.text("format") == Self.formatName,
      try root.integer("format_version") == Self.formatVersion
    else { throw Failure(.format, "it is not a training checkpoint of this version") }
    let identity = TrainingIdentity(
      options: try root.text("options"), weights: try root.text("weights"), frames: try root.text("frames"))
    let plannedSteps = try root.hasAttribute("planned_steps") ? try root.integer("planned_steps") : nil
    if let plannedSteps, !TrainingOptions.couplingStepRange.contains(plannedSteps) {
      throw Failure(.format, "its \(plannedSteps) planned steps are out of range")
    }
    var flows: [FlowTrainer.State] = []
    var couplings: [CouplingState] = []
    for name in try root.names() {
      let group = try root.group(name)
      if plannedSteps != nil {
        let names = try group.names()
        couplings.append(
          CouplingState(
            gains: names.contains("gains") ? try group.dataset("gains").read(Double.self) : [],
            best: names.contains("best") ? try numbers("best", of: group) : nil))
      }
      flows.append(
        FlowTrainer.State(
          parameters: try numbers("parameters", of: group), firstMoments: try numbers("first_moments", of: group),
          secondMoments: try numbers("second_moments", of: group), steps: try group.integer("steps")))
    }
    return TrainingState(
      identity: identity, passes: try root.integer("passes"), flows: flows, plannedSteps: plannedSteps,
      couplings: couplings)
  }

  private func numbers(_ name: String, of group: Group) throws(Failure) -> FloatBuffer {
    let values = try group.dataset(name).read(Float.self)
    let buffer = try FloatBuffer(count: values.count)
    values.withUnsafeBufferPointer { values in
      if let base = values.baseAddress { buffer.base.update(from: base, count: values.count) }
    }
    return buffer
  }

  private func fill(_ root: GroupWriter, _ state: TrainingState) throws(Failure) {
    try root.set("format", Self.formatName)
    try root.set("format_version", Self.formatVersion)
    try root.set("passes", state.passes)
    try root.set("options", state.identity.options)
    try root.set("weights", state.identity.weights)
    try root.set("frames", state.identity.frames)
    if let plannedSteps = state.plannedSteps { try root.set("planned_steps", plannedSteps) }
    for (level, flow) in state.flows.enumerated() {
      let group = try root.group(String(level))
      try group.set("steps", flow.steps)
      let datasets = [
        ("parameters", flow.parameters), ("first_moments", flow.firstMoments), ("second_moments", flow.secondMoments),
      ]
      for (name, values) in datasets {
        try group.write(
          name, shape: [values.count], UnsafeBufferPointer(start: values.base, count: values.count), as: Float.self)
      }
      guard level < state.couplings.count else { continue }
      let coupling = state.couplings[level]
      if !coupling.gains.isEmpty {
        try coupling.gains.withUnsafeBufferPointer { gains throws(Failure) in
          try group.write("gains", shape: [gains.count], gains, as: Double.self)
        }
      }
      if let best = coupling.best {
        try group.write(
          "best", shape: [best.count], UnsafeBufferPointer(start: best.base, count: best.count), as: Float.self)
      }
    }
  }
}
