package import FetchModel

// Theory of operation
//
// The agent's half of a session, as a value: it says hello until it is welcomed, beats once a second, and knows
// until when requests may start. A beat carries the agent's own boot-time stamp; its echo renews the lease from that
// stamp on, so the agent always stops before the coordinator gives the session up, whatever the network did in
// between. Every start of a coordinator has a new epoch, and every hello a new nonce, so that answers which were
// meant for an earlier one are recognised.

/// The pure core of an agent's connection to its coordinator.
package struct AgentSession: Equatable, Sendable {
  package struct Timing: Equatable, Sendable {
    /// From a stamp to the end of the lease; a second shorter than the coordinator's reckoning.
    package var lease: UInt64 = 10_000_000_000
    package var beat: UInt64 = 1_000_000_000
    /// How long an answer to a hello is waited for.
    package var hello: UInt64 = 2_000_000_000
    /// Pause after a refusal.
    package var refusal: UInt64 = 1_000_000_000

    package init() {}
  }

  package enum Action: Equatable, Sendable {
    case sendHello(nonce: UInt64)
    case sendBeat(session: UInt64, stamp: Instant)
    /// Requests may start until then.
    case lease(until: Instant)
    /// The session is over: its rows are dropped and nothing more of it may be said or sent.
    case abandon
    /// Work of this session and epoch may come.
    case begin(session: UInt64)
    /// The coordinator will not have this agent; for the operator.
    case refused(reason: String, isTemporary: Bool)
  }

  private enum State: Equatable {
    /// Hello is to be said: `greeting`.
    case absent
    /// Hello was said: `active`, `absent`.
    case greeting(nonce: UInt64, since: Instant)
    /// Welcomed: `absent`.
    case active(session: UInt64, epoch: UInt64, leaseEnd: Instant, nextBeat: Instant)
    /// Refused; hello is said again after a while: `greeting`.
    case refused(until: Instant)
  }

  private let timing: Timing
  private var state = State.absent
  private var nextNonce: UInt64

  /// `nonce`: where the numbers of this process's hellos begin; random, so that no other process uses them.
  package init(timing: Timing = Timing(), nonce: UInt64) {
    self.timing = timing
    nextNonce = nonce
  }

  /// The session that messages have to carry; 0 without one.
  package var session: UInt64 {
    if case .active(let session, _, _, _) = state { session } else { 0 }
  }

  package func isCurrent(session: UInt64, epoch: UInt64) -> Bool {
    if case .active(let mine, let myEpoch, _, _) = state { mine == session && myEpoch == epoch } else { false }
  }

  /// Time passes; call at least every second.
  package mutating func tick(now: Instant) -> [Action] {
    switch state {
    case .absent: return sayHello(now)
    case .greeting(_, let since):
      return now >= since.adding(nanoseconds: timing.hello) ? sayHello(now) : []
    case .refused(let end):
      return now >= end ? sayHello(now) : []
    case .active(let session, let epoch, let leaseEnd, let nextBeat):
      if now >= leaseEnd {
        state = .absent
        return [.abandon] + sayHello(now)
      }
      guard now >= nextBeat else { return [] }
      state = .active(
        session: session,
        epoch: epoch,
        leaseEnd: leaseEnd,
        nextBeat: now.adding(nanoseconds: timing.beat)
      )
      return [.sendBeat(session: session, stamp: now)]
    }
  }

  /// The hello could not leave, because there is no connection; it is said again at the next tick.
  package mutating func helloNotSent() {
    if case .greeting = state { state = .absent }
  }

  package mutating func welcomed(nonce: UInt64, session: UInt64, epoch: UInt64, now: Instant) -> [Action] {
    // An answer to a hello that was given up belongs to a session which the newer hello has fenced.
    guard case .greeting(let expected, let since) = state, nonce == expected else { return [] }
    // The coordinator cannot have begun the lease before the hello left.
    let leaseEnd = since.adding(nanoseconds: timing.lease)
    state = .active(session: session, epoch: epoch, leaseEnd: leaseEnd, nextBeat: now)
    return [.begin(session: session), .lease(until: leaseEnd)] + tick(now: now)
  }

  package mutating func echoed(stamp: Instant, session: UInt64, epoch: UInt64, now: Instant) -> [Action] {
    guard case .active(let mine, let myEpoch, let leaseEnd, let nextBeat) = state, mine == session, myEpoch == epoch
    else { return [] }
    // A lease that has run out is not renewed: workers may have stopped in its name.
    guard now < leaseEnd else { return [] }
    let renewed = stamp.adding(nanoseconds: timing.lease)
    guard renewed > leaseEnd else { return [] }
    state = .active(session: mine, epoch: myEpoch, leaseEnd: renewed, nextBeat: nextBeat)
    return [.lease(until: renewed)]
  }

  /// The coordinator does not know the session that a message carried.
  package mutating func unknown(session: UInt64, now: Instant) -> [Action] {
    guard case .active(let mine, _, _, _) = state, mine == session else { return [] }
    state = .absent
    return [.abandon] + sayHello(now)
  }

  package mutating func refused(reason: String, isTemporary: Bool, now: Instant) -> [Action] {
    guard case .greeting = state else { return [] }
    state = .refused(until: now.adding(nanoseconds: timing.refusal))
    return [.refused(reason: reason, isTemporary: isTemporary)]
  }

  /// The job is over for this session; the next hello begins another.
  package mutating func ended() -> [Action] {
    guard case .active = state else { return [] }
    state = .absent
    return [.abandon]
  }

  private mutating func sayHello(_ now: Instant) -> [Action] {
    let nonce = nextNonce
    nextNonce &+= 1
    state = .greeting(nonce: nonce, since: now)
    return [.sendHello(nonce: nonce)]
  }
}
