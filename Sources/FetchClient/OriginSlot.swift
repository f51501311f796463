import DequeModule
import FetchModel
import PosixIO
import Resolver
import TLS
import WireProtocol

/// A row that waits at its origin, or runs.
struct PendingRow {
  let batch: RowBatch
  let row: FramedRow
  /// Replaces the row's own redirect state once this worker has followed one itself.
  var redirect: RedirectState?
  /// Set after the one silent repeat that a kept-alive connection may cost (RFC 9112 section 9.3.1).
  var needsFreshConnection = false
  /// When the attempt began, if an earlier part of it ran already.
  var begun: Attempt.Beginning?
}

/// What one worker knows about an origin: its rows, its connections, its addresses, its TLS sessions.
final class OriginSlot {
  enum Addresses {
    case unknown
    /// `query`: which answer is waited for.
    case resolving(since: Instant, query: UInt64)
    case known([SocketAddress], until: Instant)
    case missing(Resolution, until: Instant)
  }

  /// As long as a resolved name is used without asking again.
  static let addressLifetime: UInt64 = 60_000_000_000
  private static let fewestSessions = 16

  /// Of the session; another coordinator gives another one.
  var number: UInt32
  let url: HTTPURL
  let hostField: [UInt8]
  /// After `--connect-to`.
  let destination: (host: [UInt8], port: UInt16)

  var waiting: Deque<PendingRow> = []
  /// Idle connections, the most recently used last.
  var idle: [Connection] = []
  /// Connections that will be idle in a moment, unless something comes on them.
  var settling = 0
  var openConnections = 0
  /// Connections that may be open.
  var share = 0
  /// A lower share that has not been reached yet has to be reported when it is.
  var owesLowered = false
  /// Whether its rows wait for lease, credit, or what this host lacks.
  var isStalled = false
  /// The origin asked for a pause: rows that were on their way here when it did are given back until then.
  var pausedUntil = Instant.zero

  var addresses = Addresses.unknown
  /// Where the next connection begins: at the address that connected last, or behind one that did not.
  var preferredAddress: SocketAddress?
  private var sessions: [TLSSession] = []

  init(number: UInt32, url: HTTPURL, book: AddressBook) {
    self.number = number
    self.url = url
    var field: [UInt8] = []
    url.appendHostField(to: &field)
    hostField = field
    destination = book.destination(host: url.host, port: url.port)
  }

  var isTLS: Bool { url.scheme == .https }

  /// What the certificate has to say is the URL's host, whatever name a row's `sni` indicates.
  func identity(indication: [UInt8]?) -> TLSConnection.Identity {
    switch url.hostKind {
    case .name: .name(url.tlsName, indication: indication)
    case .ipv4, .ipv6: .address(String(decoding: url.host, as: UTF8.self), indication: indication)
    }
  }

  func keep(_ fresh: [TLSSession]) {
    sessions.append(contentsOf: fresh)
    // As many connections as are allowed may be opened together, and servers give two tickets to each.
    let most = max(Self.fewestSessions, 2 * share)
    if sessions.count > most { sessions.removeFirst(sessions.count - most) }
  }

  /// The newest session that such a connection may resume. TLS 1.3 ones are used once, so that a server cannot link
  /// connections.
  func takeSession(for identity: TLSConnection.Identity, in context: TLSContext) -> TLSSession? {
    guard let index = sessions.lastIndex(where: { $0.isGood(for: identity, in: context) }) else { return nil }
    return sessions[index].isSingleUse ? sessions.remove(at: index) : sessions[index]
  }

  func forgetSessions() { sessions.removeAll() }
}
