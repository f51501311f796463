import ContentCodings
import FetchModel
import HTTP1
import PosixIO
import Proxies
import Records
import TLS
import WireProtocol

/// One connection and the attempt that runs on it. Belongs to its worker's thread.
///
/// The arrays are storage that is used again for every request, so that a kept-alive connection allocates nothing.
final class Connection {
  /// Each case says what may follow; `closed` may follow all.
  enum State: Equatable {
    /// The name is asked for: `connecting`.
    case resolving
    /// TCP: `tunneling` by some proxies, else `handshaking`, or `sending` without TLS.
    case connecting
    /// The proxy is asked for a connection: `handshaking`, or `sending` without TLS.
    case tunneling
    /// TLS: `sending`.
    case handshaking
    /// Request bytes are left: `receiving`.
    case sending
    /// The request is out: `idle`, or `sending` for the next request.
    case receiving
    /// No request: `sending`.
    case idle
    case closed
  }

  /// Whose address is sought.
  enum Goal { case target, proxy }

  enum Transfer: Equatable {
    case bytes(Int)
    /// Until the socket is ready for that: TLS may have to write before it can read.
    case wouldBlock(Poller.Readiness)
    /// `clean`: the peer said that nothing was cut (close_notify, or FIN without TLS).
    case ended(clean: Bool)
    case failed(TLSFailure)
  }

  /// Without an attempt; its bits are those of `slotMask` and what follows it.
  let token: UInt64
  /// What the poll set knows the connection by, once one of the race's attempts has become it.
  var pollToken: UInt64
  let origin: OriginSlot
  /// Part of what makes a connection reusable.
  let variant: TLSVariant

  var state = State.resolving
  var socket: StreamSocket?
  var tls: TLSConnection?
  var interest: Poller.Readiness = []
  /// It rests, and nobody has looked yet whether something came behind its last response.
  var isSettling = false

  var goal = Goal.target
  /// Whether the resolver's answer had to be waited for.
  var waitedForName = false
  var race = ConnectionRace([], isComplete: true)
  var racing: [RacingSocket] = []
  /// What a proxy is asked for.
  var tunnelTarget: TunnelTarget?
  var tunnel: ProxyTunnel?
  /// What of its words is not sent yet.
  var tunnelOutput: [UInt8] = []

  var reader = ResponseReader()
  var output: [UInt8] = []
  var outputSent = 0
  var hasher: SHA256Hasher?
  var inlineBody: [UInt8] = []
  /// Of the last body that was encoded, for the next with the same codings.
  var decoder: ContentDecoder?
  var isDecoding = false
  var held: HeldInput?

  var attempt: Attempt
  var deadline = Instant.distantFuture
  var deadlineCode = FailureCode.timeoutTotal
  var countedWireBytes: (received: UInt64, sent: UInt64) = (0, 0)
  var plainWireBytes: (received: UInt64, sent: UInt64) = (0, 0)

  // Of the connection, for the record of its first request.
  let openedAt: Instant
  var stageStart: Instant
  var dnsTime: UInt64?
  var connectTime: UInt64?
  var tlsTime: UInt64?
  var remoteIP: [UInt8] = []
  var hasGlobalPeer = false
  var tlsFacts: TLSFacts?
  private var reusedText: ConnectionText?
  /// Nanoseconds that it may rest between requests, once that was found out.
  var idleLifetime: UInt64?

  init(token: UInt64, origin: OriginSlot, attempt: consuming Attempt, now: Instant) {
    self.token = token
    pollToken = token
    self.origin = origin
    variant = attempt.variant
    self.attempt = attempt
    openedAt = now
    stageStart = now
  }

  func pollToken(ofAttempt attempt: Int) -> UInt64 { token | UInt64(attempt) << Self.attemptShift }

  /// The attempt of a poll token, 0 for the first and for what is no race.
  static func attempt(ofPollToken token: UInt64) -> Int { Int(token >> attemptShift & 0xFF) }

  /// Bits of tokens: the connection's slot, the attempt of its race, a serial number.
  static let slotMask: UInt64 = 0xFF_FFFF
  private static let attemptShift: UInt64 = 24
  static let serialShift: UInt64 = 32
  static let identityMask: UInt64 = ~(0xFF << attemptShift)

  var descriptor: Int32 {
    if socket == nil { return -1 }
    return socket?.rawValue ?? -1
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) -> Transfer {
    if let tls {
      switch tls.read(into: buffer) {
      case .bytes(let count): return .bytes(count)
      case .wantsRead: return .wouldBlock(.read)
      case .wantsWrite: return .wouldBlock([.read, .write])
      case .closed: return .ended(clean: true)
      case .failed(.unexpectedEnd): return .ended(clean: false)
      case .failed(let failure): return .failed(failure)
      }
    }
    switch socket?.read(into: buffer) {
    case .bytes(let count):
      plainWireBytes.received += UInt64(count)
      return .bytes(count)
    case .wouldBlock: return .wouldBlock(.read)
    case .ended: return .ended(clean: true)
    case .failed(let number): return .failed(.system(errno: number))
    case nil: return .ended(clean: false)
    }
  }

  func write(_ bytes: UnsafeRawBufferPointer) -> Transfer {
    if let tls {
      switch tls.write(bytes) {
      case .bytes(let count): return .bytes(count)
      case .wantsRead: return .wouldBlock(.read)
      case .wantsWrite: return .wouldBlock([.read, .write])
      case .failed(let failure): return .failed(failure)
      }
    }
    switch socket?.write(bytes) {
    case .bytes(let count):
      plainWireBytes.sent += UInt64(count)
      return .bytes(count)
    case .wouldBlock: return .wouldBlock([.read, .write])
    case .ended, nil: return .failed(.unexpectedEnd)
    case .failed(let number): return .failed(.system(errno: number))
    }
  }

  /// For the record of a request on it; nil if it never had a peer.
  func text(isReused: Bool) -> ConnectionText? {
    if isReused, let reusedText { return reusedText }
    guard !remoteIP.isEmpty else { return nil }
    let text = ConnectionText(remoteIP: remoteIP, reused: isReused, tls: tlsFacts)
    // All of its requests but the first say the same.
    if isReused { reusedText = text }
    return text
  }

  /// Wire bytes since the last call.
  func takeWireBytes() -> (received: UInt64, sent: UInt64) {
    var total = tls?.wireBytes ?? (received: 0, sent: 0)
    // Without TLS, and what was said to a proxy before.
    total.received += plainWireBytes.received
    total.sent += plainWireBytes.sent
    defer { countedWireBytes = total }
    return (total.received - countedWireBytes.received, total.sent - countedWireBytes.sent)
  }

  /// Ends TLS politely and closes the socket; the caller has taken it out of the poll set's bookkeeping.
  func close() {
    tls?.sendCloseNotify()
    tls = nil
    socket = nil
    racing = []
    decoder = nil
    held = nil
    state = .closed
  }
}

/// One attempt at a row: from taking a connection slot to its outcome. Not copyable, because a copy on the way of
/// each request retains all of its storage.
struct Attempt: ~Copyable {
  var pending: PendingRow
  /// The row's URL as the input gave it.
  var urlText: [UInt8] = []
  var rowID: [UInt8]?
  var variant = TLSVariant()
  var method = RequestMethod.get
  var total: UInt64 = .max
  /// Whether the request has a body of its own or the job's.
  var hasBody = false
  var asksToClose = false

  /// Earlier than the real beginning by what earlier hops used up.
  var startedAt: Instant
  var startedWallMicroseconds: UInt64
  var isOnReusedConnection = false
  var sentAt = Instant.zero
  var firstByteAt = Instant.zero
  var hasHead = false
  /// Of the body as it came.
  var bodyBytes: UInt64 = 0
  /// After decoding, if the job wants that.
  var decodedBytes: UInt64?
  var acceptedCodings: AcceptedCodings = []
  var isTruncated = false
  /// A redirect that was not to be followed: of its body nothing is said.
  var leavesBodyUnread = false
  var speed = SpeedWatch()
  /// Decided when the head came: where to go once the body is drained.
  var next: RedirectState?
  /// Until when that body is read.
  var drainsUntil = Instant.distantFuture
  /// An earlier hop was answered from a global address, and the job does not let redirects lead away from these.
  var staysGlobal = false
  /// The URL of the running hop, if any redirect was followed.
  var currentURL: [UInt8]?

  /// The beginning of an attempt that goes on: on a fresh connection, or at the next hop.
  struct Beginning {
    let startedAt: Instant
    let startedWallMicroseconds: UInt64

    init(_ attempt: borrowing Attempt) {
      startedAt = attempt.startedAt
      startedWallMicroseconds = attempt.startedWallMicroseconds
    }

    fileprivate init(_ pending: borrowing PendingRow, now: Instant, wallMicroseconds: UInt64) {
      let spent = (pending.redirect?.spentMicroseconds ?? 0).multipliedReportingOverflow(by: 1000).partialValue
      startedAt = Instant(nanoseconds: now.nanoseconds - min(spent, now.nanoseconds))
      startedWallMicroseconds = wallMicroseconds
    }
  }

  init(_ pending: PendingRow, now: Instant, wallMicroseconds: UInt64) {
    self.pending = pending
    let beginning = pending.begun ?? Beginning(pending, now: now, wallMicroseconds: wallMicroseconds)
    startedAt = beginning.startedAt
    startedWallMicroseconds = beginning.startedWallMicroseconds
  }

  /// The same as a new attempt, with the storage of this one; `prepare` fills in the rest.
  mutating func restart(_ pending: consuming PendingRow, now: Instant, wallMicroseconds: UInt64) {
    self.pending = pending
    let beginning = self.pending.begun ?? Beginning(self.pending, now: now, wallMicroseconds: wallMicroseconds)
    startedAt = beginning.startedAt
    startedWallMicroseconds = beginning.startedWallMicroseconds
    sentAt = .zero
    firstByteAt = .zero
    hasHead = false
    bodyBytes = 0
    decodedBytes = nil
    isTruncated = false
    leavesBodyUnread = false
    next = nil
    drainsUntil = .distantFuture
  }

  /// Attempts that have ended once this one has.
  var attempts: Int { Int(pending.row.attempts) + 1 }
}
