import Foundation
import Glibc
import Keys
import PosixIO
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
  /// A private folder for a local socket, removed at the end.
  private let folder: String?

  /// `announce` is called when the gate has news.
  init(
    _ agents: CoordinatorConfiguration.Agents,
    keys: CoordinatorKeys?,
    announce: @escaping @Sendable () -> Void
  ) throws {
    let wanted: String
    var folder: String?
    switch agents {
    case .remote(let endpoint): wanted = endpoint
    case .local:
      let made = try Self.makePrivateFolder()
      wanted = "ipc://\(made)/coordinator"
      folder = made
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
      if let folder { rmdir(folder) }
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
    if let folder {
      unlink(folder + "/coordinator")
      rmdir(folder)
    }
  }

  /// Only this user may connect: the folder is 0700 (mkdtemp(3)). Short, because a socket's path is (unix(7)).
  private static func makePrivateFolder() throws(CoordinatorError) -> String {
    let base = ProcessInfo.processInfo.environment["XDG_RUNTIME_DIR"] ?? "/tmp"
    let root = base.utf8.count <= 60 && access(base, W_OK) == 0 ? base : "/tmp"
    var template = Array("\(root)/trawl-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw CoordinatorError("cannot make a folder for the local socket in \(root): \(SystemError("mkdtemp").reason)")
    }
    return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
