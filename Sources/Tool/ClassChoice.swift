import ArgumentParser

/// The option of all commands that take data sets.
struct ClassChoice: ParsableArguments {
  @Option(
    name: .customLong("class"),
    help: ArgumentHelp("Of a data set with several classes, the one that is wanted.", valueName: "name"))
  var name: String?
}

/// The option of all commands that compute.
struct ThreadCount: ParsableArguments {
  @Option(
    name: .customLong("threads"),
    help: ArgumentHelp(
      "Threads that share the work, 1 to 256; 0 for one for each processor that may be used (by affinity and the "
        + "container's quota).", valueName: "count"))
  var count = 0

  func validate() throws {
    guard (0...256).contains(count) else { throw ValidationError("\(count) threads are not within 0...256") }
  }
}
