/// Which version of Pillow resizing follows, to the byte: `Image.resize((width, height), Image.LANCZOS)`.
///
/// All versions use the same filter, a = 3, and round to 8 bits after each of two passes, whose order differs.
/// Depending on the sizes, the order changes one byte of a hundred thousand or many. The names are those of the option
/// `--resample`, the numbers those of `CFLOWAD_RESAMPLE_`.
package enum Resampling: Int32, Sendable, CaseIterable {
  /// Pillow 3.3 to 12.1: columns first, always.
  case pillow3 = 0
  /// Pillow 12.2 and 12.3: rows first where an image more than 100 times as high as wide becomes lower.
  case pillow12 = 1
  /// Pillow 13: rows first where an image becomes lower, and by more than twice what it becomes narrower.
  case pillow13 = 2

  package var name: String {
    switch self {
    case .pillow3: "pillow-3.3"
    case .pillow12: "pillow-12.2"
    case .pillow13: "pillow-13"
    }
  }

  package init?(name: String) {
    guard let found = Self.allCases.first(where: { $0.name == name }) else { return nil }
    self = found
  }

  /// Whether the first pass changes the height and the second the width.
  func isRowsFirst(from source: (width: Int, height: Int), to target: (width: Int, height: Int)) -> Bool {
    let isLower = target.height < source.height
    return switch self {
    case .pillow3: false
    case .pillow12: isLower && source.height > 100 * source.width
    case .pillow13: isLower && source.height - target.height > 2 * (source.width - target.width)
    }
  }
}
