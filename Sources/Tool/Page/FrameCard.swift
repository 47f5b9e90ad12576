import Basics
import FoundationEssentials
import Scoring

/// A frame beside its heat map, with its score and verdict and what else is said about it.
struct FrameCard {
  struct Picture {
    let source: String
    let description: String

    /// A picture within the page.
    static func inside(_ png: [UInt8], _ description: String) -> Picture {
      Picture(source: "data:image/png;base64,\(Data(png).base64EncodedString())", description: description)
    }
  }

  /// What a script finds it by; nil where none does.
  var id: String?
  /// Words for its style, "wrong" or "changed".
  var marks: [String] = []
  /// Empty where there is nothing to see.
  var pictures: [Picture] = []
  /// Nil for a frame without one.
  var score: String?
  /// Nil where nothing is decided.
  var verdict: Verdict?
  /// The verdict in words: "review, too low".
  var verdictText: String?
  /// What the frame is called.
  var name: String
  /// When it was taken; nil where that does not matter.
  var time: Date?
  /// Lines below its name.
  var notes: [String] = []

  var html: String {
    let id = id.map { " id=\"\($0)\"" } ?? ""
    let classes = (["card"] + marks).joined(separator: " ")
    let images = pictures.map { "<img alt=\"\(HTML.escaped($0.description))\" src=\"\($0.source)\">" }.joined()
    let view =
      pictures.isEmpty
      ? "" : "<button type=\"button\" class=\"pictures\" title=\"Enlarge\">\(images)</button>"
    return "<figure class=\"\(classes)\"\(id)>\(view)<figcaption>\(decision)"
      + "<span class=\"name\">\(HTML.escaped(name))</span>"
      + (time.map { "<span class=\"note\">\(HTML.time($0))</span>" } ?? "")
      + notes.map { "<span class=\"note\">\(HTML.escaped($0))</span>" }.joined() + "</figcaption></figure>\n"
  }

  private var decision: String {
    let words = (verdictText ?? verdict.map { "\($0)" }).map { text in
      "<b class=\"verdict \(verdict.map { "\($0)" } ?? "none")\">\(HTML.escaped(text))</b>"
    }
    let score = score.map { "<b>\(HTML.escaped($0))</b>" }
    let parts = [score, words].compactMap { $0 }
    return parts.isEmpty ? "" : "<span class=\"decision\">\(parts.joined(separator: " "))</span>"
  }
}
