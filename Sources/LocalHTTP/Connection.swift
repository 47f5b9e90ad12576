import NIOCore
import NIOHTTP1
import NIOPosix

/// One connection: gathers each request, has it answered, and writes the answer.
final class Connection: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  /// A page sends a number; what is longer is no request of ours.
  private static let largestBody = 1 << 14

  private let origin: SameOrigin
  private let pool: NIOThreadPool
  private let answer: HTTPServer.Answer
  private var head: HTTPRequestHead?
  private var body: [UInt8] = []
  private var isTooLarge = false

  init(_ origin: SameOrigin, _ pool: NIOThreadPool, _ answer: @escaping HTTPServer.Answer) {
    self.origin = origin
    self.pool = pool
    self.answer = answer
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head):
      self.head = head
      body = []
      isTooLarge = false
    case .body(let bytes):
      isTooLarge = isTooLarge || body.count + bytes.readableBytes > Self.largestBody
      if !isTooLarge { body += bytes.readableBytesView }
    case .end:
      guard let head else { return }
      self.head = nil
      respond(to: head, context)
    }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if event is IdleStateHandler.IdleStateEvent {
      context.close(promise: nil)
    } else {
      context.fireUserInboundEventTriggered(event)
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

  private func respond(to head: HTTPRequestHead, _ context: ChannelHandlerContext) {
    guard !isTooLarge else {
      return write(HTTPResponse(status: 413, text: "The request is too large.\n"), to: head, context)
    }
    let request = HTTPRequest(
      method: head.method.rawValue, target: head.uri, headers: head.headers.map { ($0.name, $0.value) }, body: body)
    let (origin, answer) = (origin, answer)
    let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    pool.runIfActive(eventLoop: context.eventLoop) {
      if let refusal = origin.refusal(of: request) { return refusal }
      let response = answer(request)
      let known = request.header("if-none-match")
      return response.tag != nil && response.tag == known ? .unchanged : response
    }.whenSuccess { response in
      let (connection, context) = bound.value
      connection.write(response, to: head, context)
    }
  }

  private func write(_ response: HTTPResponse, to request: HTTPRequestHead, _ context: ChannelHandlerContext) {
    var headers = HTTPHeaders([
      ("content-type", response.type), ("content-length", "\(response.body.count)"),
      // What is shown is of this moment, and of this machine alone: no other site may embed or read it, nothing is loaded from
      // elsewhere.
      ("cache-control", "no-store"), ("x-content-type-options", "nosniff"), ("referrer-policy", "no-referrer"),
      ("cross-origin-resource-policy", "same-origin"), ("cross-origin-opener-policy", "same-origin"),
      (
        "content-security-policy",
        "default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'; script-src 'self'; connect-src 'self'; "
          + "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
      ),
    ])
    if let tag = response.tag { headers.add(name: "etag", value: tag) }
    if !request.isKeepAlive { headers.add(name: "connection", value: "close") }
    let status = HTTPResponseStatus(statusCode: response.status)
    context.write(
      wrapOutboundOut(.head(.init(version: request.version, status: status, headers: headers))), promise: nil)
    if request.method != .HEAD, !response.body.isEmpty {
      context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: response.body)))), promise: nil)
    }
    let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
    context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in
      if !request.isKeepAlive { bound.value.close(promise: nil) }
    }
  }
}
