/// The shape of a convolution: its channels, the groups they fall into, and the window.
package struct ConvolutionShape: Sendable, Equatable {
  package let inputs: Int
  package let outputs: Int
  /// Outputs of a group depend on the inputs of their own group only.
  package let groups: Int
  package let window: SlidingWindow

  package init(inputs: Int, outputs: Int, groups: Int = 1, window: SlidingWindow) {
    self.inputs = inputs
    self.outputs = outputs
    self.groups = groups
    self.window = window
  }

  /// Whether each channel is convolved by itself.
  package var isDepthwise: Bool { groups > 1 && inputs == groups && outputs == groups }

  /// The number of weights of an output.
  package var rowLength: Int { inputs / groups * window.taps }
}
