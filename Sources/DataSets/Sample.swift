/// One image of a data set, and its label.
package struct Sample: Sendable, Equatable {
  /// Path of the image file.
  package var image: String
  /// The kind of defect, as the data set calls it; ``good`` for none.
  package var defect: String
  package var mask: Mask

  /// The `defect` of good images.
  package static let good = "good"

  /// Whether a folder's name or a label is one that data sets give to good images: `good`, `ok` or `normal`, in small
  /// or capital letters.
  static func isGood(_ name: String) -> Bool { ["good", "ok", "normal"].contains(name.lowercased()) }

  package var isDefective: Bool { defect != Self.good }

  /// Whether it is known which pixels are defective. For a good image it is: none.
  package var hasTruth: Bool { !isDefective || mask != .missing }

  package init(image: String, defect: String = Sample.good, mask: Mask = .missing) {
    self.image = image
    self.defect = defect
    self.mask = mask
  }

  /// Where the data set says which pixels are defective.
  package enum Mask: Sendable, Equatable {
    /// The set has no masks of this kind of defect.
    case missing
    /// The set has masks of this kind of defect, but not of this image, as the sentence says.
    case lost(String)
    /// Image files: a pixel is defective if one of them says so, see ``MaskFile``.
    case images([String])
    /// A frame of an array file (.npy) of frames x height x width: pixels that are not 0 are defective.
    case array(String, frame: Int)
  }
}
