import FetchModel

/// How an origin fares, from what its requests came to: when it may be asked again, and how hard.
///
/// An origin that asked for a pause, or whose connections fail again and again, is parked: nobody sends it anything.
/// When the pause is over one request is its probe; if that gets an answer, connections come back one by one,
/// doubling; if not, the next pause is twice as long. One that has answered nothing for long is down: its rows end
/// without being tried, until it is probed again.
struct OriginHealth: Equatable {
  enum Phase: Equatable {
    /// As many connections as the job allows: `parked`.
    case healthy
    /// No request until then: `probing`, `down`.
    case parked(until: Instant)
    /// One request at a time shows whether it is back: `recovering`, `parked`, `down`.
    case probing
    /// So many connections, soon more: `healthy`, `parked`.
    case recovering(connections: Int)
    /// Rows end as `origin_down` until then: `probing`.
    case down(until: Instant)
  }

  /// Failures in a row, of connections and not of responses, that stop an origin: more than one row's retries.
  static let toleratedFailures = 10
  private static let shortestPause: UInt64 = 1_000_000_000
  private static let longestPause: UInt64 = 30_000_000_000

  private(set) var phase = Phase.healthy { didSet { isUneventful = phase == .healthy && failures == 0 } }
  /// Connections that failed since the last answer.
  private(set) var failures = 0 { didSet { isUneventful = phase == .healthy && failures == 0 } }
  /// The first of these.
  private(set) var failingSince: Instant?
  private(set) var lastFailure: FailureCode?
  /// When a request failed last, or a pause ended.
  private var lastWord = Instant.zero
  private var pauses: UInt64 = 0

  /// Whether requests may be given out.
  var isOpen: Bool {
    switch phase {
    case .healthy, .probing, .recovering: true
    case .parked, .down: false
    }
  }

  /// Whether all is well and has been since the last answer: a further answer says nothing.
  private(set) var isUneventful = true

  /// Connections over all sessions.
  func ceiling(of limit: Int) -> Int {
    switch phase {
    case .healthy: limit
    case .probing: 1
    case .recovering(let connections): min(connections, limit)
    case .parked, .down: 0
    }
  }

  /// There was an answer, whatever it said. Returns whether the phase changed.
  mutating func answered() -> Bool {
    guard failures > 0 || phase == .probing else { return false }
    failures = 0
    failingSince = nil
    lastFailure = nil
    // An answer to what was sent before the pause says nothing about its end.
    guard phase == .probing else { return false }
    pauses = 0
    phase = .recovering(connections: 2)
    return true
  }

  /// A name, a connection or a handshake failed. Returns whether the phase changed.
  mutating func failed(_ code: FailureCode, giveUpAfter: UInt64, jitter: UInt64, now: Instant) -> Bool {
    // Nobody asked it for longer than any pause: what was before says nothing of now.
    if now.nanoseconds(since: lastWord) > 2 * Self.longestPause {
      failingSince = nil
      if phase == .healthy { failures = 0 }
    }
    lastWord = now
    failures += 1
    lastFailure = code
    let since = failingSince ?? now
    failingSince = since
    switch phase {
    // What was under way when the pause began adds nothing to it.
    case .parked, .down: return false
    case .healthy, .recovering: guard failures >= Self.toleratedFailures else { return false }
    case .probing: break
    }
    if now.nanoseconds(since: since) >= giveUpAfter, failures >= Self.toleratedFailures {
      phase = .down(until: now.adding(nanoseconds: max(giveUpAfter, Self.longestPause)))
    } else {
      let pause = min(Self.shortestPause << min(pauses, 10), Self.longestPause)
      pauses += 1
      // Not past the moment at which the question is whether to give up.
      let rest = giveUpAfter - min(giveUpAfter, now.nanoseconds(since: since))
      let spread = pause - pause / 8 + jitter % (pause / 4)
      phase = .parked(until: now.adding(nanoseconds: min(spread, max(rest, Self.shortestPause / 4))))
    }
    return true
  }

  /// The origin asked to be left alone. Returns whether the phase changed.
  mutating func asked(forMilliseconds milliseconds: UInt64, now: Instant) -> Bool {
    guard milliseconds > 0 else { return false }
    let end = now.adding(nanoseconds: RetryAfter.nanoseconds(milliseconds: milliseconds))
    switch phase {
    case .parked(let until) where until >= end: return false
    case .down(let until):
      guard until < end else { return false }
      phase = .down(until: end)
      return true
    case .parked, .healthy, .probing, .recovering:
      phase = .parked(until: end)
      return true
    }
  }

  /// When the phase ends by itself.
  var due: Instant {
    switch phase {
    case .parked(let until), .down(let until): until
    case .healthy, .probing, .recovering: .distantFuture
    }
  }

  /// The pause is over.
  mutating func resume(now: Instant) {
    lastWord = now
    phase = .probing
  }

  /// Time has passed without complaint: connections double. Returns whether it is healthy again.
  mutating func grow(limit: Int) -> Bool {
    guard case .recovering(let connections) = phase else { return false }
    phase = connections * 2 >= limit ? .healthy : .recovering(connections: connections * 2)
    return phase == .healthy
  }
}
