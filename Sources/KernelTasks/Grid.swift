/// The size of a feature map that is stored as rows of channels: element (y, x, c) at ((y * width) + x) * channels + c.
package struct Grid: Sendable, Equatable {
  package let height: Int
  package let width: Int
  package let channels: Int

  package init(height: Int, width: Int, channels: Int) {
    self.height = height
    self.width = width
    self.channels = channels
  }

  package var positions: Int { height * width }
  package var count: Int { height * width * channels }
}
