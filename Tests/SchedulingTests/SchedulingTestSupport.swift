import FetchModel
import Scheduling

/// A finished row as the scheduler looks at it.
func column(seq: UInt64) -> ResultColumn { column(seq: seq, status: 200) }

func column(
  seq: UInt64,
  status: UInt16 = 200,
  failure: FailureCode? = nil,
  attempts: UInt8 = 1,
  milliseconds: UInt32 = 0
) -> ResultColumn {
  ResultColumn(
    seq: seq,
    bodyBytes: 0,
    totalMicroseconds: milliseconds * 1000,
    lineLength: 0,
    status: failure == nil ? status : 0,
    failure: failure,
    attempts: attempts
  )
}

/// An instant so many milliseconds after the tests' beginning.
func at(_ milliseconds: UInt64) -> Instant { Instant(nanoseconds: 1_000_000_000 + milliseconds * 1_000_000) }

/// A scheduler with what tests say to it again and again.
struct Harness {
  var scheduler: Scheduler

  /// `awaited`: names of agents that held a lease of an earlier epoch.
  init(
    limit: Int = 4,
    windowRows: Int = 10_000,
    windowBytes: Int = 1 << 20,
    retry: RetryPolicy = RetryPolicy(),
    awaited: [UInt8]? = nil
  ) {
    var configuration = Scheduler.Configuration(connectionsPerOrigin: limit, retry: retry, seed: 1)
    configuration.windowRows = windowRows
    configuration.windowBytes = windowBytes
    scheduler = Scheduler(configuration, awaited: awaited?.map(Self.instance), now: at(0))
  }

  static func instance(_ name: UInt8) -> [UInt8] { Array(repeating: name, count: 16) }

  static func key(_ origin: String) -> [UInt8] {
    var url = HTTPURL()
    guard (try? url.parseOrigin(Array("http://\(origin).test/".utf8).span)) != nil else { return [] }
    var key: [UInt8] = []
    url.appendOriginKey(to: &key)
    return key
  }

  mutating func number(_ origin: String) -> UInt32 { scheduler.number(of: Self.key(origin)) }

  @discardableResult
  mutating func add(_ count: Int, to origin: String?, length: Int = 10, isUnsafe: Bool = false) -> [UInt64] {
    (0..<count).map { _ in
      let number = origin.map { self.number($0) } ?? 0
      switch scheduler.add(origin: number, length: length, location: 0, mustNotRepeat: isUnsafe) {
      case .taken(let seq), .recorded(let seq): return seq
      case .lost(let row): return row.seq
      }
    }
  }

  @discardableResult
  mutating func hello(
    _ name: UInt8,
    connections: Int = 16,
    creditRows: Int = 1000,
    creditBytes: Int = 1 << 20,
    holdings: [Holding] = [],
    now: Instant = at(0)
  ) -> UInt64 {
    let greeting = Greeting(
      instance: Self.instance(name),
      name: "agent-\(name)",
      link: UInt64(name),
      connections: connections,
      creditRows: creditRows,
      creditBytes: creditBytes,
      isContinuing: true
    )
    return scheduler.hello(greeting, holdings: holdings, now: now).session
  }

  /// What is given out, by session.
  mutating func dispatch(_ now: Instant = at(1)) -> [UInt64: Dispatch] {
    var bySession: [UInt64: Dispatch] = [:]
    for dispatch in scheduler.dispatch(now: now) { bySession[dispatch.session] = dispatch }
    return bySession
  }

  mutating func accept(_ seqs: [UInt64], from session: UInt64) throws(Refusal) {
    var acceptance = Acceptance()
    try scheduler.accept(seqs.map { column(seq: $0) }, from: session, now: at(1), into: &acceptance)
  }

  /// Final results; returns the rows whose records do not count.
  @discardableResult
  mutating func report(_ columns: [ResultColumn], from session: UInt64, at now: Instant) throws(Refusal) -> [UInt64] {
    var acceptance = Acceptance()
    try scheduler.accept(columns, from: session, now: now, into: &acceptance)
    return acceptance.refused.map { columns[$0].seq }
  }

  /// Time passes; who is here beats. What is given out, by session.
  @discardableResult
  mutating func step(_ now: Instant, beating sessions: [UInt64]) -> [UInt64: Dispatch] {
    for session in sessions { _ = scheduler.beat(session, now: now) }
    _ = scheduler.tick(now: now)
    return dispatch(now)
  }

  mutating func lower(_ origin: String, to connections: Int, by session: UInt64) {
    scheduler.sharesLowered([ShareGrant(origin: number(origin), connections: connections)], by: session)
  }

  var counts: RowCounts { scheduler.counts }
}

extension RowCounts {
  /// Queued, leased, deferred, recorded; nil if they do not add up.
  var places: [UInt64]? {
    submitted == queued + leased + deferred + recorded ? [queued, leased, deferred, recorded] : nil
  }
}

/// A redirect to the root of an origin.
func redirect(to origin: String, hops: Int = 1) -> RedirectState {
  RedirectState(
    url: Array("http://\(origin).test/".utf8),
    method: .get,
    dropsCredentials: false,
    dropsContent: false,
    hops: hops,
    spentMicroseconds: 0,
    visited: []
  )
}

func failed(_ seq: UInt64, attempts: UInt16 = 1, retryAfterMilliseconds: UInt64 = 0) -> Deferral {
  Deferral(
    seq: seq,
    cause: .failure,
    failure: .reset,
    attempts: attempts,
    retryAfterMilliseconds: retryAfterMilliseconds
  )
}
