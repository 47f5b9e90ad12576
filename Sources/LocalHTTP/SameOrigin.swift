import NIOCore

/// Which requests come from this server's own pages or from a person, and not from another site that a browser shows at the same
/// time: such a site may send requests to the machine it is shown on, too.
struct SameOrigin {
  /// The name that the server was asked to listen on.
  let host: String

  /// Why a request is not answered; nil when it is.
  func refusal(of request: HTTPRequest) -> HTTPResponse? {
    guard let host = request.header("host"), isOwn(host) else {
      // The way of DNS rebinding: a foreign name that leads to this machine, and whose pages could then read what is here.
      return HTTPResponse(
        status: 421, text: "This server answers to its address and to localhost, not to another name.\n")
    }
    guard request.method == "GET" || request.method == "HEAD" || request.header("origin") == "http://\(host)" else {
      return HTTPResponse(status: 403, text: "Only this server's own pages may change something.\n")
    }
    return nil
  }

  /// Whether a `Host` header names this server: by a number, which no foreign name server gives, as localhost, or as it was asked to.
  private func isOwn(_ value: String) -> Bool {
    var name = Substring(value)
    if let colon = name.lastIndex(of: ":"), !name.hasSuffix("]") { name = name[..<colon] }
    if name.hasPrefix("["), name.hasSuffix("]") { name = name.dropFirst().dropLast() }
    let isNumber = (try? SocketAddress(ipAddress: String(name), port: 0)) != nil
    return isNumber || name.lowercased() == "localhost" || name.lowercased() == host.lowercased()
  }
}
