import Basics
import LocalHTTP
import Rendering

/// What the server of `cflowad serve` answers. Paths name what is in memory, never a file.
struct LivePages: Sendable {
  let line: LiveLine
  /// What the detector is called.
  let title: String
  let overlay: Overlay
  /// Where frames come from, in words.
  let source: String
  let export: ThresholdExport

  func answer(_ request: HTTPRequest) -> HTTPResponse {
    do throws(Failure) {
      switch (request.method, request.path) {
      case ("POST", "/export"):
        let fields = HTTPRequest.fields(String(decoding: request.body, as: UTF8.self))
        return HTTPResponse(text: try export.write(ThresholdChoice(fields), line).shown + "\n")
      case ("GET", let path), ("HEAD", let path):
        return try file(path, request.query) ?? HTTPResponse(status: 404, text: "There is no such page.\n")
      default: return HTTPResponse(status: 405, text: "\(request.method) is not answered here.\n")
      }
    } catch {
      let status = error.kind == .invalidArgument ? 400 : error.kind == .state ? 409 : 500
      return HTTPResponse(status: status, text: error.message.shown + "\n")
    }
  }

  /// Nil where there is nothing of this name.
  private func file(_ path: String, _ query: [String: String]) throws(Failure) -> HTTPResponse? {
    switch path {
    case "/":
      let snapshot = line.snapshot
      let page = LivePage(
        snapshot: snapshot, chosen: try ThresholdChoice(query).calibration(from: snapshot.calibration), pages: self)
      return HTTPResponse(
        type: "text/html; charset=utf-8", body: Array(page.html.utf8),
        tag: "\"\(snapshot.revision) \(page.chosen.threshold) \(page.chosen.wantedRate ?? -1)\"")
    case "/page.js": return script(PackageResources.page_js)
    case "/live.js": return script(PackageResources.live_js)
    default:
      let parts = path.split(separator: "/")
      guard parts.count == 3, parts[0] == "frames", let number = Int(parts[1]) else { return nil }
      guard let frame = line.snapshot.numbered.first(where: { $0.number == number })?.frame.scored else { return nil }
      switch parts[2] {
      case "photograph.png": return HTTPResponse(type: "image/png", body: frame.photograph)
      case "heat.png": return HTTPResponse(type: "image/png", body: frame.heatMap)
      default: return nil
      }
    }
  }

  private func script(_ bytes: [UInt8]) -> HTTPResponse {
    HTTPResponse(type: "text/javascript; charset=utf-8", body: bytes)
  }
}
