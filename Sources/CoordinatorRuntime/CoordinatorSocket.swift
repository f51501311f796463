import Keys
import ZeroMQ

/// The bound ROUTER socket and what belongs to its address.
struct CoordinatorSocket: ~Copyable {
  /// Under which the socket reports its connections.
  private static let monitor = "coordinator-connections"

  let socket: Socket
  /// Runs for as long as others may connect; nil if only this user can.
  let gate: Gate?
  /// What agents dial.
  let endpoint: String
  private let folder: SocketFolder?

  /// `announce` is called when the gate has news.
  init(
    _ agents: CoordinatorConfiguration.Agents,
    keys: CoordinatorKeys?,
    announce: @escaping @Sendable () -> Void
  ) throws {
    let wanted: String
    let folder: SocketFolder?
    switch agents {
    case .remote(let endpoint):
      wanted = endpoint
      folder = nil
    case .local:
      let made = try SocketFolder()
      wanted = "ipc://\(made.socketPath)"
      folder = consume made
    }
    let context = try Context(ioThreads: 1)
    let socket = try Socket(
      .router,
      in: context,
      // Credit bounds what is in flight; the mark is only a fence against a peer that does not keep to it.
      Socket.Settings(
        highWaterMark: 100_000,
        lingerMilliseconds: 500,
        maximumFrameBytes: 16 * 1024 * 1024,
        handshakeMilliseconds: 10_000,
        security: keys.map { .server($0.secret) } ?? .plaintext
      )
    )
    var gate: Gate?
    if case .remote = agents {
      try socket.startMonitoring(as: Self.monitor)
      gate = try Gate(
        in: context,
        watching: Self.monitor,
        allowedAgents: keys?.allowedAgents,
        announce: announce
      )
    }
    let endpoint: String
    do throws(ZeroMQError) {
      try socket.bind(to: wanted)
      endpoint = try socket.lastEndpoint()
    } catch {
      socket.stopMonitoring()
      gate?.stop()
      let reason = error.isAddressInUse ? "the port is in use; name another with --listen" : error.reason
      throw CoordinatorError("cannot listen on \(wanted): \(reason)")
    }
    self.socket = socket
    self.gate = gate
    self.endpoint = endpoint
    self.folder = folder
  }

  deinit {
    // What it reports to nobody would hold up its I/O thread.
    socket.stopMonitoring()
    gate?.stop()
  }
}
