import DequeModule
import FetchModel

/// What an agent says of itself in its hello.
package struct Greeting: Equatable, Sendable {
  /// Random per process; 16 bytes.
  package var instance: [UInt8]
  package var name: String
  /// Which connection to the coordinator the hello came over, so that two copies of one process are told apart.
  package var link: UInt64
  /// Connections it can hold over all origins.
  package var connections: Int
  package var creditRows: Int
  package var creditBytes: Int
  /// It goes on under a lease of an earlier epoch, and its holdings are all that it has under that one.
  package var isContinuing: Bool

  package init(
    instance: [UInt8],
    name: String,
    link: UInt64,
    connections: Int,
    creditRows: Int,
    creditBytes: Int,
    isContinuing: Bool = false
  ) {
    self.instance = instance
    self.name = name
    self.link = link
    self.connections = connections
    self.creditRows = creditRows
    self.creditBytes = creditBytes
    self.isContinuing = isContinuing
  }
}

/// An agent under a lease.
struct Session {
  enum Standing: Equatable {
    /// `draining`, `fenced`.
    case active
    /// Ends soon and gets nothing more: `fenced`.
    case draining
    /// Its rows are with others already; its connections may be open until its lease has run out: `gone`.
    case fenced
    /// The slot is free.
    case gone
  }

  /// Work of so many rows a second is taken for a busy agent.
  private static let loadPerMillisecond = 3
  private static let highestLoad = 6000
  /// A handshake costs about as much as that many requests on a connection that is open.
  private static let handshakeLoad = 40

  let identifier: UInt64
  let greeting: Greeting
  /// For rendezvous hashing; the instance, not the order of arrival, decides.
  let hash: UInt64
  var standing = Standing.active
  /// Fenced by a hello of the same instance over another connection.
  var isSuperseded = false
  var expiry: Instant
  var lastBeat: Instant
  var freeConnections: Int
  /// Asked back and not confirmed yet.
  var comingConnections = 0
  var outstandingRows = 0
  var outstandingBytes = 0
  /// Rows without an origin that it holds.
  var homeless = RowList()
  /// Rows that it has in hand without being their holder; looked up, and sorted before they are gone through.
  var copies: [UInt64: RowCopy] = [:]
  /// Origins with a share here, rows in the queue and room for more.
  var ready: Deque<UInt32> = []
  /// Origins whose share here had nothing to do when it was listed, each once. May hold some that are busy again.
  var idleShares: Deque<UInt32> = []
  /// Whether messages reach it. One that they do not reach gets nothing more, but keeps what it has until its lease
  /// ends: it may be alive and at work.
  var isReachable = true
  /// It has said nothing for three beats: it gets nothing new, and its rows may be doubled.
  var isSilent = false
  var trust: AgentTrust
  /// A suspended agent is given one row then.
  var nextProbe = Instant.zero
  private var load = 0
  private var loadAt: Instant

  init(identifier: UInt64, greeting: Greeting, hash: UInt64, trustWindow: Int, expiry: Instant, now: Instant) {
    trust = AgentTrust(window: trustWindow)
    self.identifier = identifier
    self.greeting = greeting
    self.hash = hash
    self.expiry = expiry
    lastBeat = now
    loadAt = now
    freeConnections = greeting.connections
  }

  /// What stands in a free slot.
  static let gone: Session = {
    let nobody = Greeting(instance: [], name: "", link: 0, connections: 0, creditRows: 0, creditBytes: 0)
    var session = Session(identifier: 0, greeting: nobody, hash: 0, trustWindow: 1, expiry: .distantFuture, now: .zero)
    session.standing = .gone
    return session
  }()

  var creditRows: Int { greeting.creditRows - outstandingRows }
  var creditBytes: Int { greeting.creditBytes - outstandingBytes }
  /// Whether it may be given rows and shares.
  var isEligible: Bool { isAttentive && !trust.isSuspended }
  /// Whether what it is told is likely to be heard.
  var isAttentive: Bool { standing == .active && isReachable && !isSilent }
  var hasRoom: Bool { isAttentive && creditRows > 0 && creditBytes > 0 }
  var hasCredit: Bool { hasRoom && !trust.isSuspended }
  /// Has nothing better to do than to take a part of what others have too much of.
  var isHungry: Bool { hasCredit && ready.isEmpty && outstandingRows < greeting.creditRows / 2 }

  // MARK: Load

  /// Connections that the agent has the time to open. One that is busy gains nothing from more of them; each costs
  /// what many requests cost.
  mutating func affordableConnections(now: Instant) -> Int {
    let idle = now.nanoseconds(since: loadAt) / 1_000_000
    if idle > 0 {
      load -= Int(min(UInt64(load), idle * UInt64(Self.loadPerMillisecond)))
      loadAt = now
    }
    return max(0, Self.highestLoad / 2 - load) / Self.handshakeLoad
  }

  mutating func noteFinishedRow() { load = min(load + 1, Self.highestLoad) }

  mutating func noteConnections(_ count: Int) { load = min(load + count * Self.handshakeLoad, Self.highestLoad) }
}
