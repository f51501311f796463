import DequeModule
import FetchModel
import PosixIO
import Proxies
import TLS
import WireProtocol

/// A row that waits at its origin, or runs.
struct PendingRow {
  let batch: RowBatch
  let row: FramedRow
  /// Behind a reference, because few rows have one and all are moved a few times.
  private var followed: Followed?
  /// Set after the one silent repeat that a kept-alive connection may cost (RFC 9112 section 9.3.1).
  var needsFreshConnection = false
  /// When the attempt began, if an earlier part of it ran already.
  var begun: Attempt.Beginning?

  init(batch: RowBatch, row: FramedRow) {
    self.batch = batch
    self.row = row
  }

  /// Replaces the row's own redirect state once this worker has followed one itself.
  var redirect: RedirectState? {
    get { followed?.state }
    set { followed = newValue.map(Followed.init) }
  }

  private final class Followed {
    let state: RedirectState
    init(_ state: RedirectState) { self.state = state }
  }
}

/// What one worker knows about an origin: its rows, its connections, its addresses, its TLS sessions.
final class OriginSlot {
  private static let fewestSessions = 16

  /// Of the session; another coordinator gives another one.
  var number: UInt32
  let url: HTTPURL
  let hostField: [UInt8]
  /// After `--connect-to`.
  let destination: (host: [UInt8], port: UInt16)
  let route: ProxyRoute
  /// What requests to a proxy that forwards them have besides (RFC 9112 section 3.2.2).
  let targetPrefix: [UInt8]
  let proxyFields: [UInt8]

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
  /// Its rows are being started: what ends at once meanwhile starts no others itself.
  var isPumping = false
  /// Whether its rows wait for lease, credit, or what this host lacks.
  var isStalled = false
  /// The origin asked for a pause: rows that were on their way here when it did are given back until then.
  var pausedUntil = Instant.zero

  /// Tunnels to it that the proxy refused: of several addresses another one is asked for next.
  var refusedTunnels = 0
  /// Where the next connection begins: at the address that connected last, or behind one that did not.
  var preferredAddress: SocketAddress?
  private var sessions: [TLSSession] = []

  init(number: UInt32, url: HTTPURL, job: WorkerJob, checksAddress: Bool) {
    self.number = number
    self.url = url
    var field: [UInt8] = []
    url.appendHostField(to: &field)
    hostField = field
    let destination = job.book.destination(host: url.host, port: url.port)
    self.destination = destination
    route = job.proxies.route(
      for: url.scheme,
      url.host,
      url.hostKind,
      isMoved: destination.host != url.host || destination.port != url.port,
      checksAddresses: checksAddress
    )
    if case .forward(let proxy) = route {
      targetPrefix = url.absoluteFormPrefix
      proxyFields = proxy.authorizationLine
    } else {
      targetPrefix = []
      proxyFields = []
    }
  }

  var isTLS: Bool { url.scheme == .https }

  /// Whether the destination's own address has to be known here.
  var needsAddress: Bool {
    switch route {
    case .direct, .tunnelToAddress: true
    case .forward, .tunnelToName: false
    }
  }

  /// Of the destination's host.
  var destinationKind: HTTPURL.HostKind {
    if destination.host == url.host { return url.hostKind }
    guard let address = SocketAddress(numeric: String(decoding: destination.host, as: UTF8.self), port: 0) else {
      return .name
    }
    return address.family == .ipv4 ? .ipv4 : .ipv6
  }

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
