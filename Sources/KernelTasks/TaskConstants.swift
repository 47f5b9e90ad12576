import CKernelTasks

extension AdamStep {
  package static var beta1: Double { 0.9 }
  package static var beta2: Double { 0.999 }
  package static var epsilon: Float { 1e-8 }
}

extension WinogradInput {
  /// The numbers of channels must be multiples of this, because the transforms work on whole vectors.
  package static var channelMultiple: Int { 16 }
}
