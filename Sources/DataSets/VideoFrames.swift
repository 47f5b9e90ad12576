import Basics
import ImageFiles

/// Extracts frames of a video as JPEG files, by the program ffmpeg.
enum VideoFrames {
  /// Writes `00000001.jpg` and so on into a new folder, which gets its name when it is complete.
  ///
  /// Fails with `.unsupported` when ffmpeg is not installed, and with `.io`.
  static func extract(_ video: String, to folder: String) throws(Failure) {
    // The name is hidden, so that the leftovers of a killed run are not taken for a clip.
    let parts = folder.split(separator: "/", omittingEmptySubsequences: false)
    let partial = (parts.dropLast() + [".\(parts.last ?? "").partial"]).joined(separator: "/")
    if Folder.isFolder(partial) { try Folder(partial).remove() }
    try Folder(partial).make()
    // A percent sign in the folder's name would be taken for part of the pattern.
    let names = partial.split(separator: "%", omittingEmptySubsequences: false).joined(separator: "%%") + "/%08d.jpg"
    try run(["ffmpeg", "-nostdin", "-loglevel", "error", "-i", "file:\(video)", "-qscale:v", "2", names], video)
    guard rename(partial.pathBytes, folder.pathBytes) == 0 else {
      throw Failure(.io, "\(folder): the frames cannot be put there")
    }
  }

  private static func run(_ arguments: [String], _ video: String) throws(Failure) {
    var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0.pathBytes) } + [nil]
    defer { for word in words { free(word) } }
    var child: pid_t = 0
    let error = posix_spawnp(&child, arguments[0], nil, nil, &words, environ)
    guard error == 0 else {
      guard error == ENOENT else { throw Failure(.io, "\(video): ffmpeg cannot be run") }
      throw Failure(
        .unsupported,
        "\(video): its frames are needed, and ffmpeg, which extracts them, is not installed (Debian: ffmpeg); or put them "
          + "into training/frames/CLIP as JPEG files")
    }
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0, errno == EINTR {}
    guard status == 0 else { throw Failure(.io, "\(video): ffmpeg could not extract the frames") }
  }
}
