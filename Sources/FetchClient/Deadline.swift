package import FetchModel

/// The job's time limits in nanoseconds, as the loop compares them; `UInt64.max` is none.
package struct TimeLimits: Sendable {
  let connect: UInt64
  package let total: UInt64
  let firstByte: UInt64
  let idle: UInt64
  let lowSpeedBytesPerSecond: UInt64
  package let lowSpeedTime: UInt64

  package init(_ deadlines: Deadlines) {
    connect = deadlines.connect.wholeNanoseconds
    total = deadlines.total.wholeNanoseconds
    firstByte = deadlines.firstByte?.wholeNanoseconds ?? .max
    idle = deadlines.idle?.wholeNanoseconds ?? .max
    lowSpeedBytesPerSecond = deadlines.lowSpeedBytesPerSecond
    lowSpeedTime = max(deadlines.lowSpeedTime.wholeNanoseconds, 1)
  }
}

/// Where an attempt stands, as far as time limits go.
package enum Stage: Equatable {
  case resolving, connecting, tunneling, handshaking, sending, awaitingHead, receivingHead, receivingBody
  /// Nothing is read meanwhile: others have their turn, or there is no memory.
  case decoding, awaitingMemory

  /// Whether there is no connection yet.
  package var isDialing: Bool {
    switch self {
    case .resolving, .connecting, .tunneling, .handshaking: true
    case .sending, .awaitingHead, .receivingHead, .receivingBody, .decoding, .awaitingMemory: false
    }
  }

  /// Whether bytes ought to flow.
  package var isTransfer: Bool { !isDialing && self != .decoding && self != .awaitingMemory }

  package var failurePhase: FailurePhase {
    switch self {
    case .resolving: .dns
    case .connecting, .tunneling: .connect
    case .handshaking: .tls
    case .sending: .send
    case .awaitingHead, .receivingHead: .head
    case .receivingBody, .decoding: .body
    // Nobody but this host is slow.
    case .awaitingMemory: .local
    }
  }
}

/// The earliest limit that holds for a stage, and what it means if it passes. Pure.
package struct Deadline: Equatable {
  package let instant: Instant
  package let code: FailureCode

  /// `attemptStart`: when the row took its slot, less the time that earlier hops used up. `stageStart`: for
  /// stages of a new connection its opening, else the last progress. A limit on the whole cannot be beaten by
  /// dripping, because `attemptStart` never moves.
  package init(stage: Stage, attemptStart: Instant, stageStart: Instant, total: UInt64, limits: TimeLimits) {
    let whole = attemptStart.adding(nanoseconds: total)
    let step: (limit: UInt64, code: FailureCode) =
      switch stage {
      case .resolving: (limits.connect, .dnsTimeout)
      case .connecting, .tunneling: (limits.connect, .connectTimeout)
      case .handshaking: (limits.connect, .tlsTimeout)
      case .sending: (limits.idle, .sendTimeout)
      case .awaitingHead: (limits.firstByte, .firstByteTimeout)
      case .receivingHead, .receivingBody: (limits.idle, .idleTimeout)
      case .decoding, .awaitingMemory: (.max, .timeoutTotal)
      }
    let own = stageStart.adding(nanoseconds: step.limit)
    self = own < whole ? Deadline(own, step.code) : Deadline(whole, .timeoutTotal)
  }

  private init(_ instant: Instant, _ code: FailureCode) {
    self.instant = instant
    self.code = code
  }
}

/// Whether a transfer stays above `--speed-limit` over each `--speed-time`, request and response together and the wait
/// between them included, as curl counts it. Pure.
package struct SpeedWatch: Equatable {
  private var windowStart = Instant.zero
  private var windowBytes: UInt64 = 0

  package init() {}

  package mutating func start(at now: Instant) {
    windowStart = now
    windowBytes = 0
  }

  package mutating func moved(_ count: Int) { windowBytes += UInt64(count) }

  /// When the window has to be judged.
  package func dueAt(_ limits: TimeLimits) -> Instant {
    limits.lowSpeedBytesPerSecond == 0 ? .distantFuture : windowStart.adding(nanoseconds: limits.lowSpeedTime)
  }

  /// Judges a window that is over and begins the next; true if too little was moved.
  package mutating func isTooSlow(at now: Instant, _ limits: TimeLimits) -> Bool {
    guard now >= dueAt(limits) else { return false }
    let seconds = Double(now.nanoseconds(since: windowStart)) / 1e9
    let isSlow = Double(windowBytes) < Double(limits.lowSpeedBytesPerSecond) * seconds
    start(at: now)
    return isSlow
  }
}
