import Basics

import Layers

/// Weights from an array, as layers take them; `length` weights for each output.
package func weightRows(_ weights: [Float], length: Int) -> WeightRows {
  { (outputs, memory) throws(Failure) in
    for (i, weight) in weights[outputs.lowerBound * length..<outputs.upperBound * length].enumerated() {
      memory[i] = weight
    }
  }
}
