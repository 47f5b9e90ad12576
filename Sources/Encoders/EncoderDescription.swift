import Basics
import Layers

/// What a model file says about its encoder beside the weights.
package struct EncoderDescription: Sendable, Equatable {
  /// torchvision's or timm's name, e.g. `resnet18`.
  package let architecture: String
  package let padding: Padding
  /// Names of the modules whose outputs are the feature levels, finest first, e.g. `layer2`, `layer3`, `layer4`.
  package let taps: [String]

  package let precision: Precision

  package init(architecture: String, padding: Padding, taps: [String], precision: Precision = .float32) {
    self.architecture = architecture
    self.padding = padding
    self.taps = taps
    self.precision = precision
  }
}

/// The size of the network's input in pixels.
package struct EncoderInputSize: Sendable, Equatable {
  package let height: Int
  package let width: Int

  package init(height: Int, width: Int) {
    self.height = height
    self.width = width
  }
}
