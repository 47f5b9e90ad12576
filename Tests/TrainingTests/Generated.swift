import Support

extension Generated {
  /// `count` values from -scale up to scale.
  static func values(_ name: String, _ count: Int, scale: Double = 1) -> [Float] {
    unit(name, count: count).map { Float(scale * $0) }
  }
}
