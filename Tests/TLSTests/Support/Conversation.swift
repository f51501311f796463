import FetchModel
import OriginServer
import TLS

/// Both ends of a TLS connection, driven in turns on one thread: no waiting, no other threads, no chance.
final class Conversation {
  let sockets: SocketPair
  let client: TLSConnection
  let server: ServerEnd

  struct Refused: Error {}

  init(
    _ context: TLSContext,
    _ server: ServerContext,
    _ identity: TLSConnection.Identity = .origin,
    resuming session: TLSSession? = nil,
    chains: VerifiedChains? = nil,
    over sockets: SocketPair? = nil
  ) throws {
    let sockets = try sockets ?? SocketPair()
    self.sockets = sockets
    let made = TLSConnection(context, socket: sockets.client, identity: identity, resuming: session, chains: chains)
    guard let client = made, let server = ServerEnd(server, descriptor: sockets.server)
    else { throw Refused() }
    self.client = client
    self.server = server
  }

  /// Goes on until both ends have ended their handshake, or nothing moves any more.
  @discardableResult
  func handshake() -> (client: TLSConnection.Handshake, server: ServerEnd.Step) {
    var ours = TLSConnection.Handshake.wantsRead
    var theirs = ServerEnd.Step.waits
    // More than any handshake needs; one that stands still is over soon, too.
    for _ in 0..<2_000 {
      if ours == .wantsRead || ours == .wantsWrite { ours = client.handshake() }
      if theirs == .waits { theirs = server.handshake() }
      if ours != .wantsRead, ours != .wantsWrite, theirs != .waits { break }
    }
    return (ours, theirs)
  }

  /// The same for tests about what comes after.
  func begin() throws {
    let ends = handshake()
    guard ends.client == .complete, ends.server == .done else { throw Unexpected(what: "\(ends)") }
  }

  struct Unexpected: Error { let what: String }

  /// What the client can read now, and why there is no more.
  func received() -> (bytes: [UInt8], last: TLSConnection.Read) {
    var bytes: [UInt8] = []
    while true {
      let read = client.readOnce(upTo: 16 * 1024)
      guard case .more(let some) = read else { return (bytes, read.outcome) }
      bytes += some
    }
  }

  /// What the server can read now, and why there is no more.
  func receivedByServer() -> (bytes: [UInt8], last: ServerEnd.Received) {
    var bytes: [UInt8] = []
    while true {
      let read = server.read()
      guard case .bytes(let some) = read else { return (bytes, read) }
      bytes += some
    }
  }
}

extension TLSConnection {
  enum ReadOnce {
    case more([UInt8])
    case other(Read)

    var outcome: Read {
      switch self {
      case .more(let bytes): .bytes(bytes.count)
      case .other(let read): read
      }
    }
  }

  func readOnce(upTo count: Int) -> ReadOnce {
    var buffer = [UInt8](repeating: 0, count: count)
    let read = buffer.withUnsafeMutableBytes { self.read(into: $0) }
    guard case .bytes(let count) = read else { return .other(read) }
    return .more(Array(buffer[..<count]))
  }

  func write(_ text: String) -> Write {
    let bytes = Array(text.utf8)
    return bytes.withUnsafeBytes { write($0) }
  }
}

extension TLSConnection.Identity {
  static let origin = name("origin.test")

  static func name(_ text: String) -> TLSConnection.Identity { .name(Array(text.utf8), indication: nil) }
  static func address(_ text: String) -> TLSConnection.Identity { .address(text, indication: nil) }

  /// What an agent makes of a host in a URL; nil if the URL is refused.
  static func host(_ text: String) -> TLSConnection.Identity? {
    let host = text.contains(":") ? "[\(text)]" : text
    var url = HTTPURL()
    guard (try? url.parse(Array("https://\(host)/".utf8).span)) != nil else { return nil }
    switch url.hostKind {
    case .name: return .name(url.tlsName, indication: nil)
    case .ipv4, .ipv6: return .address(String(decoding: url.host, as: UTF8.self), indication: nil)
    }
  }
}
