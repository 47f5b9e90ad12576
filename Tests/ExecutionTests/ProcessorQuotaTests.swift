import Foundation
import Testing

@testable import Execution

@Suite struct ProcessorQuotaTests {
  /// What the quota is on a machine with these files.
  private func processors(_ files: [String: String]) throws -> Double? {
    let root = FileManager.default.temporaryDirectory.appending(path: "quota-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: root) }
    for (path, text) in files {
      let file = root.appending(path: path)
      try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: file)
    }
    return ProcessorQuota(root: root.path).processors
  }

  private static let second = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
  private static let first =
    "33 30 0:29 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
    + "34 30 0:30 / /sys/fs/cgroup/memory rw shared:10 - cgroup cgroup rw,memory\n"
  private static let disk = "22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\nnonsense\n"

  @Test func theSecondVersion() throws {
    let service = "0::/system.slice/line.service\n"
    let limit = "sys/fs/cgroup/system.slice/line.service/cpu.max"
    let files = ["proc/self/mountinfo": Self.disk + Self.second, "proc/self/cgroup": service]
    #expect(try processors(files) == nil)
    #expect(try processors(files.merging([limit: "max 100000\n"]) { $1 }) == nil)
    #expect(try processors(files.merging([limit: "150000 100000\n"]) { $1 }) == 1.5)
    // The least of its own and those above it.
    let above = ["sys/fs/cgroup/system.slice/cpu.max": "120000 60000\n", "sys/fs/cgroup/cpu.max": "max 100000\n"]
    #expect(try processors(files.merging([limit: "300000 100000\n"].merging(above) { $1 }) { $1 }) == 2)
    for nonsense in ["", "much", "0 0", "-3 100000", "1 2 3", "150000 nan"] {
      #expect(try processors(files.merging([limit: nonsense]) { $1 }) == nil, "\(nonsense)")
    }
  }

  /// Its group is the top of what a container sees, whatever the path says.
  @Test(arguments: ["0::/\n", "0::/docker/0123\n", "0::/../other\n"])
  func inAContainer(cgroup: String) throws {
    let mount = "30 23 0:26 /docker/0123 /sys/fs/cgroup ro - cgroup2 cgroup rw\n"
    let files = ["proc/self/cgroup": cgroup, "sys/fs/cgroup/cpu.max": "50000 100000"]
    #expect(try processors(files.merging(["proc/self/mountinfo": mount]) { $1 }) == 0.5)
  }

  @Test func theFirstVersion() throws {
    let files = [
      "proc/self/mountinfo": Self.disk + Self.first,
      "proc/self/cgroup": "7:memory:/line\n4:cpu,cpuacct:/line\n1:name=systemd:/line\n",
      "sys/fs/cgroup/cpu,cpuacct/line/cpu.cfs_period_us": "100000\n",
      "sys/fs/cgroup/cpu,cpuacct/line/cpu.cfs_quota_us": "250000\n",
      "sys/fs/cgroup/memory/line/cpu.cfs_period_us": "100000\n",
      "sys/fs/cgroup/memory/line/cpu.cfs_quota_us": "100000\n",
    ]
    #expect(try processors(files) == 2.5)
    #expect(try processors(files.merging(["sys/fs/cgroup/cpu,cpuacct/line/cpu.cfs_quota_us": "-1\n"]) { $1 }) == nil)
  }

  /// Both at once: the second for everything but what the first one limits.
  @Test func both() throws {
    let files = [
      "proc/self/mountinfo": Self.second.replacing("/sys/fs/cgroup", with: "/sys/fs/cgroup/unified") + Self.first,
      "proc/self/cgroup": "4:cpu,cpuacct:/\n0::/a/b\n",
      "sys/fs/cgroup/unified/a/b/cpu.max": "900000 100000",
      "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "50000",
      "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "200000",
    ]
    #expect(try processors(files) == 4)
    #expect(try processors([:]) == nil)
  }

  @Test func thereIsAlwaysAProcessor() {
    #expect((1...Workers.maximumCount).contains(Workers.processorCount))
  }
}
