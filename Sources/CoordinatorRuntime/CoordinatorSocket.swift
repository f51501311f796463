import Foundation
import Glibc
import PosixIO
import ZeroMQ

/// The bound ROUTER socket and what belongs to its address.
struct CoordinatorSocket: ~Copyable {
  let socket: Socket
  /// What agents dial.
  let endpoint: String
  /// A private folder for a local socket, removed at the end.
  private let folder: String?

  init(_ agents: CoordinatorConfiguration.Agents) throws {
    let wanted: String
    var folder: String?
    switch agents {
    case .remote(let endpoint): wanted = endpoint
    case .local:
      let made = try Self.makePrivateFolder()
      wanted = "ipc://\(made)/coordinator"
      folder = made
    }
    let socket = try Socket(
      .router,
      in: Context(ioThreads: 1),
      // Credit bounds what is in flight; the mark is only a fence against a peer that does not keep to it.
      Socket.Settings(
        highWaterMark: 100_000,
        lingerMilliseconds: 500,
        maximumFrameBytes: 16 * 1024 * 1024,
        handshakeMilliseconds: 10_000,
        security: .plaintext
      )
    )
    let endpoint: String
    do throws(ZeroMQError) {
      try socket.bind(to: wanted)
      endpoint = try socket.lastEndpoint()
    } catch {
      let reason = error.isAddressInUse ? "the port is in use; name another with --listen" : error.reason
      if let folder { rmdir(folder) }
      throw CoordinatorError("cannot listen on \(wanted): \(reason)")
    }
    self.socket = socket
    self.endpoint = endpoint
    self.folder = folder
  }

  deinit {
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
