import Basics
import NIOCore
import NIOHTTP1
import NIOPosix

/// An HTTP server for the people at one machine, on SwiftNIO: it answers from memory, and refuses what other sites send through a
/// browser.
package final class HTTPServer {
  /// Answers a request, on a thread of its own.
  package typealias Answer = @Sendable (HTTPRequest) -> HTTPResponse

  private let group: MultiThreadedEventLoopGroup
  private let pool: NIOThreadPool
  private let channel: any Channel

  /// The page's address for people, with the port that was taken.
  package let address: String
  /// Whether only this machine reaches it.
  package let isLoopback: Bool

  /// Begins to listen. Fails with `.io` when it cannot.
  ///
  /// - Parameters:
  ///   - host: a name or number of this machine.
  ///   - port: 0 for one that is free.
  package init(host: String, port: Int, _ answer: @escaping Answer) throws(Failure) {
    let (group, pool) = (MultiThreadedEventLoopGroup(numberOfThreads: 1), NIOThreadPool(numberOfThreads: 2))
    pool.start()
    let origin = SameOrigin(host: host)
    do {
      channel = try ServerBootstrap(group: group)
        .serverChannelOption(.backlog, value: 64)
        .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
        .childChannelInitializer { channel in
          channel.eventLoop.makeCompletedFuture {
            let pipeline = channel.pipeline.syncOperations
            try pipeline.configureHTTPServerPipeline()
            // Pages ask every second; a connection that says nothing is only memory.
            try pipeline.addHandlers([IdleStateHandler(allTimeout: .seconds(60)), Connection(origin, pool, answer)])
          }
        }.bind(host: host, port: port).wait()
    } catch {
      try? group.syncShutdownGracefully()
      try? pool.syncShutdownGracefully()
      throw Self.failure(error, host: host, port: port)
    }
    (self.group, self.pool) = (group, pool)
    let local = channel.localAddress
    let number = local?.ipAddress ?? host
    isLoopback = number.hasPrefix("127.") || number == "::1"
    address = "http://\(number.contains(":") ? "[\(number)]" : number):\(local?.port ?? port)/"
  }

  /// Ends all connections.
  package func stop() {
    try? channel.close().wait()
    try? group.syncShutdownGracefully()
    try? pool.syncShutdownGracefully()
  }

  private static func failure(_ error: any Error, host: String, port: Int) -> Failure {
    let place = "port \(port) of \(host)"
    guard let error = error as? IOError else {
      return Failure(.io, "\(place): there is no such address")
    }
    if error.errnoCode == EADDRINUSE {
      return Failure(.io, "\(place) is in use by another program; choose one by --port, or let 0 find one that is free")
    }
    let reason = strerror(error.errnoCode).map { String(cString: $0) } ?? "error \(error.errnoCode)"
    return Failure(.io, "\(place) cannot be listened on: \(reason)")
  }
}
