/// One image of a data set, and the truth about it.
package struct Sample: Sendable, Equatable {
  /// Path of the image file.
  package var image: String
  /// The kind of defect, a word of the data set's own; ``good`` for none.
  package var defect: String
  package var mask: Mask

  /// The `defect` of good images.
  package static let good = "good"

  package var isDefective: Bool { defect != Self.good }

  /// Whether it is known which pixels are defective: of a good image, none.
  package var hasTruth: Bool { !isDefective || mask != .missing }

  package init(image: String, defect: String = Sample.good, mask: Mask = .missing) {
    self.image = image
    self.defect = defect
    self.mask = mask
  }

  /// Where it is written which pixels are defective: those that are not 0.
  package enum Mask: Sendable, Equatable {
    case missing
    /// An image file.
    case image(String)
    /// A frame of an array file (.npy) of frames x height x width.
    case array(String, frame: Int)
  }
}
