// Writes copies of source files in which a sample of mutants is compiled in, each chosen at run time by its number
// (`mutant_is` of the C module CMutants), and a list of them.
//
//     mutate SOURCE-FOLDER COPY-FOLDER COUNT SEED EXCLUDED FILE...
//
// EXCLUDED is a list of numbers with commas between them, of mutants that do not compile; FILE is relative to both folders. A
// mutant's number is its place among all that the files have, whatever the sample.

import Foundation
import SwiftOperators
import SwiftParser

/// A line of the list.
struct Listed: Encodable {
  let number: Int
  let file: String
  let kind: String
  /// In the source.
  let line: Int
  let column: Int
  let original: String
  let mutant: String
  /// Of the text, and of the statement around it, in the copy.
  let lines: [Int]
  let statement: [Int]
}

/// Steele, Lea and Flood's SplitMix64, so that a seed gives the same sample everywhere.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}

let arguments = CommandLine.arguments
let (sourceFolder, copyFolder) = (URL(filePath: arguments[1]), URL(filePath: arguments[2]))
let count = Int(arguments[3]) ?? 0
var random = SplitMix(state: UInt64(arguments[4]) ?? 0)
let excluded = Set(arguments[5].split(separator: ",").compactMap { Int($0) })
let files = arguments[6...].sorted()

let sources = try files.map { try String(contentsOf: sourceFolder.appending(path: $0), encoding: .utf8) }
var candidates: [(file: Int, site: Site)] = []
for (index, source) in sources.enumerated() {
  let finder = SiteFinder()
  finder.walk(OperatorTable.standardOperators.foldAll(Parser.parse(source: source)) { _ in })
  candidates += finder.sites.map { (index, $0) }
}

// One mutant at a place at most: those that touch a statement's part that is taken already are passed over.
var chosen: [[Int]] = files.map { _ in [] }
var left = count
for number in candidates.indices.shuffled(using: &random) where left > 0 && !excluded.contains(number) {
  let (file, site) = candidates[number]
  guard !chosen[file].contains(where: { touches(candidates[$0].site.range, site.range) }) else { continue }
  chosen[file].append(number)
  left -= 1
}

func touches(_ a: Range<Int>, _ b: Range<Int>) -> Bool {
  a.lowerBound <= b.upperBound && b.lowerBound <= a.upperBound
}

var list: [Listed] = []
for (file, name) in files.enumerated() {
  let bytes = Array(sources[file].utf8)
  // On the first line, so that lines keep their numbers.
  var copy = Array((chosen[file].isEmpty ? "" : "import CMutants; ").utf8)
  var (end, added) = (0, 0)
  for number in chosen[file].sorted(by: { candidates[$0].site.range.lowerBound < candidates[$1].site.range.lowerBound })
  {
    let site = candidates[number].site
    copy += bytes[end..<site.range.lowerBound]
    end = site.range.upperBound
    let text = site.text("mutant_is(\(number))")
    copy += Array(text.utf8)
    // Lines that earlier mutants of the file have added.
    let first = lines(bytes[..<site.range.lowerBound]) + 1
    let own = lines(text.utf8)
    let statement = [site.statement.lowerBound, site.statement.upperBound].map { lines(bytes[..<$0]) + 1 + added }
    list.append(
      Listed(
        number: number, file: name, kind: site.kind.rawValue, line: first,
        column: bytes[..<site.range.lowerBound].reversed().prefix { $0 != 10 }.count + 1, original: site.original,
        mutant: site.mutant, lines: [first + added, first + added + own], statement: statement))
    added += own - lines(bytes[site.range])
  }
  copy += bytes[end...]
  let target = copyFolder.appending(path: name)
  // What is the same is not compiled again.
  if (try? Data(contentsOf: target)) != Data(copy) { try Data(copy).write(to: target) }
}

func lines(_ bytes: some Sequence<UInt8>) -> Int { bytes.reduce(0) { $0 + ($1 == 10 ? 1 : 0) } }

let encoder = JSONEncoder()
encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
for entry in list.sorted(by: { $0.number < $1.number }) {
  print(String(decoding: try encoder.encode(entry), as: UTF8.self))
}
FileHandle.standardError.write(Data("\(list.count) of \(candidates.count) mutants\n".utf8))
