import Basics
import ImageFiles

/// A data set as a CSV file with a line of column names, in any order:
///
/// - `path`: the image; relative to the CSV file's folder, like `mask`; backslashes separate folders where no file has
///   them in its name;
/// - `label`: `good`, `normal`, `ok`, 0 or false (also 0.0, which pandas makes of it) for a good image, anything else
///   is the kind of its defect (1, true: `defective`);
/// - `split`, may be absent or empty: `train` or `test`, else the image serves both;
/// - `mask`, may be absent or empty: the image that tells which pixels are defective, see ``MaskFile``;
/// - `class`, may be absent: the name of the class.
enum CSVList {
  static func classes(_ path: String, _ part: DataSet.Part) throws(Failure) -> [DataSet.ImageClass] {
    let file = try RegularFile(path: path)
    do throws(Failure) {
      let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
      return try classes(
        CSV(CSV.text(file.read())), part, folder: folder, name: Folder(path).name.stem)
    } catch {
      throw error.within(path)
    }
  }

  /// - Parameter name: the class's name, when there is no column for it.
  private static func classes(
    _ table: CSV, _ part: DataSet.Part, folder: String, name: String
  ) throws(Failure) -> [DataSet.ImageClass] {
    func column(_ name: String) -> Int? { table.columns.firstIndex(of: name) }
    guard let pathColumn = column("path"), let labelColumn = column("label") else {
      throw Failure(
        .format,
        "the columns path and label are needed; there are "
          + table.columns.map { $0.isEmpty ? "one without a name" : $0 }.joined(separator: ", "))
    }
    let (splitColumn, maskColumn, classColumn) = (column("split"), column("mask"), column("class"))
    func resolved(_ path: String) -> String {
      let path = path.hasPrefix("/") ? path : folder + path
      return path.contains("\\") && access(path.pathBytes, F_OK) != 0 ? path.replacing("\\", with: "/") : path
    }

    var names: [String] = []
    var samples: [String: [Sample]] = [:]
    for (row, number) in zip(table.rows, table.numbers) {
      do throws(Failure) {
        let className = classColumn.map { row[$0] } ?? name
        if samples[className] == nil { names.append(className) }
        var sample = Sample(image: resolved(row[pathColumn]), defect: try defect(row[labelColumn]))
        if let maskColumn, !row[maskColumn].isEmpty { sample.mask = .images([resolved(row[maskColumn])]) }
        let isMember = try splitColumn.map { column throws(Failure) in try self.part(row[column]) ?? part } ?? part
        samples[className, default: []] += isMember == part && (part == .test || !sample.isDefective) ? [sample] : []
      } catch {
        throw error.within("row \(number)")
      }
    }
    return names.map { DataSet.ImageClass(name: $0, samples: samples[$0] ?? []) }
  }

  private static func defect(_ label: String) throws(Failure) -> String {
    let word = label.lowercased()
    guard !word.isEmpty else { throw Failure(.format, "the label is empty") }
    if Sample.isGood(word) || word == "false" || Double(word) == 0 { return Sample.good }
    if word == "true" || Double(word) == 1 { return "defective" }
    guard word != "nan" else { throw Failure(.format, "the label is nan: it was empty in the program that wrote it") }
    return label
  }

  private static func part(_ split: String) throws(Failure) -> DataSet.Part? {
    switch split.lowercased() {
    case "": nil
    case "train", "training": .training
    case "test", "testing": .test
    default: throw Failure(.format, "the split \(split) is neither train nor test")
    }
  }
}
