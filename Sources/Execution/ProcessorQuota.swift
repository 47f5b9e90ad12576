import Basics

/// The processor time that the process may use by its control groups, as containers and service managers set it.
struct ProcessorQuota {
  /// The number of processors, e.g. 1.5; nil for no limit.
  let processors: Double?

  /// Reads `/proc/self` and the file systems of control groups, of versions 1 and 2. A file that cannot be read sets no limit.
  ///
  /// - Parameter root: a prefix of these paths, for tests.
  init(root: String = "") {
    let mounts = Self.lines("\(root)/proc/self/mountinfo").compactMap { Mount($0) }
    var least: Double?
    for line in Self.lines("\(root)/proc/self/cgroup") {
      // A line has a number, controllers and the group's path; in version 2 it is "0::/path".
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3, let mount = mounts.first(where: { $0.serves(parts[1]) }) else { continue }
      for folder in mount.folders(of: String(parts[2])) {
        guard let limit = Self.limit(root + folder, isFirstVersion: !parts[1].isEmpty) else { continue }
        least = min(least ?? limit, limit)
      }
    }
    processors = least
  }

  /// The limit of a group itself, without those above it.
  private static func limit(_ folder: String, isFirstVersion: Bool) -> Double? {
    let numbers =
      isFirstVersion
      ? lines("\(folder)/cpu.cfs_quota_us").prefix(1) + lines("\(folder)/cpu.cfs_period_us").prefix(1)
      : (lines("\(folder)/cpu.max").first ?? "").split(separator: " ").map { String($0) }[...]
    // Without a limit the quota is "max" or -1.
    guard numbers.count == 2, let quota = numbers.first.flatMap({ Double($0) }),
      let period = numbers.last.flatMap({ Double($0) }), quota > 0, period > 0
    else { return nil }
    return quota / period
  }

  private static func lines(_ path: String) -> [String] {
    guard let file = fopen(path, "re") else { return [] }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 1 << 14)
    while true {
      let count = fread(&block, 1, block.count, file)
      guard count > 0 else { break }
      bytes += block[..<count]
    }
    return bytes.split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) }
  }
}

/// A line of `/proc/self/mountinfo` about control groups.
private struct Mount {
  /// The group that is mounted at ``point``.
  private let top: String
  private let point: String
  private let isFirstVersion: Bool
  private let options: [Substring]

  /// Nil when the line is about another file system.
  init?(_ line: String) {
    // "36 35 98:0 /top /point rw,noatime master:1 - type source options", with any number of fields before the dash.
    let fields = line.split(separator: " ")
    guard let dash = fields.firstIndex(of: "-"), dash > 5, fields.count > dash + 3 else { return nil }
    guard fields[dash + 1] == "cgroup" || fields[dash + 1] == "cgroup2" else { return nil }
    (top, point) = (String(fields[3]), String(fields[4]))
    isFirstVersion = fields[dash + 1] == "cgroup"
    options = fields[dash + 3].split(separator: ",")
  }

  /// Whether this mount has the processor limits of a `/proc/self/cgroup` line with these controllers.
  func serves(_ controllers: Substring) -> Bool {
    guard isFirstVersion else { return controllers.isEmpty }
    return controllers.split(separator: ",").contains("cpu") && options.contains("cpu")
  }

  /// The folders of a group and of the groups above it.
  func folders(of group: String) -> [String] {
    // In a container the path may be that of the host, while the mount shows only the container's own group.
    let isBelow = top == "/" || group == top || group.hasPrefix(top + "/")
    var rest = isBelow ? Substring(group).dropFirst(top == "/" ? 0 : top.count) : ""
    var folders = [point]
    while let slash = rest.lastIndex(of: "/") {
      if rest.index(after: slash) < rest.endIndex { folders.append(point + rest) }
      rest = rest[..<slash]
    }
    return folders
  }
}
