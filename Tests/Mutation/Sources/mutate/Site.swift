/// A place in a source file where a mutant can live: what stands there, and what the mutant has instead.
struct Site {
  enum Kind: String, CaseIterable {
    case comparison, arithmetic, logic, extreme, constant, condition, assignment, omission, `return`
  }

  let kind: Kind
  /// Bytes of the file that are replaced.
  let range: Range<Int>
  /// The innermost statement or member around it, to which the compiler's errors are referred.
  let statement: Range<Int>
  /// What the mutant has, for the list of survivors.
  let original: String
  let mutant: String
  /// The text that is both, from the condition that chooses the mutant.
  let text: (_ condition: String) -> String
}
