import Basics

/// The condition of a flow: the 2-D sin/cos encoding of a position (paper, section 4.2), P channels.
///
/// With D = P/2 and f_k = exp(-2k ln(10000) / D), k = 0..<D/2: channel 2k = sin(x f_k), 2k+1 = cos(x f_k), D+2k = sin(y
/// f_k), D+2k+1 = cos(y f_k); x the column, y the row, from 0. The first half depends on the column alone, the second
/// on the row alone, by the same formula, so that a table for each axis is enough.
package enum PositionalEncoding {
  /// Half of the encoding, D = P/2 channels for each of `length` places: row i is place i.
  ///
  /// Frequencies and products are rounded to float as in PyTorch, since at x = 200 the product's last bit is 1.5e-5 of
  /// an angle.
  package static func axis(length: Int, channels: Int) -> [Float] {
    let half = channels / 2
    let step = Float(-(PortableMath.log(10_000.0) / Double(half)))
    var values: [Float] = []
    values.reserveCapacity(length * half)
    for place in 0..<length {
      for k in 0..<half / 2 {
        let angle = Float(place) * Float(PortableMath.exp(Double(Float(2 * k) * step)))
        values.append(Float(PortableMath.sin(Double(angle))))
        values.append(Float(PortableMath.cos(Double(angle))))
      }
    }
    return values
  }
}
