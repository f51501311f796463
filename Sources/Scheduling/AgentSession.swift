package import FetchModel

// Theory of operation
//
// The agent's half of a session, as a value: it says hello until it is welcomed, beats once a second, and knows
// until when requests may start. A beat carries the agent's own boot-time stamp; its echo renews the lease from that
// stamp on, so the agent always stops before the coordinator gives the session up, whatever the network did in
// between. Every start of a coordinator has a new epoch, and every hello a new nonce, so that answers which were
// meant for an earlier one are recognised.
//
// A session that is lost within an epoch is lost with its rows: the coordinator has given them to others. One whose
// coordinator was started again goes on: the agent works under its old lease while it reports what it holds. In both
// cases the workers are asked first what they have in hand (`collect`), so that the hello names all of it, finished
// rows that were not acknowledged included. Finished rows outlive all this, and the job, too: an agent that is welcomed
// to another job drops what it has under way and keeps what it has finished, until somebody comes for it. Of two
// processes under one instance, the one that is told so takes another.

/// The pure core of an agent's connection to its coordinator.
package struct AgentSession: Equatable, Sendable {
  package struct Timing: Equatable, Sendable {
    /// From a stamp to the end of the lease; a second shorter than the coordinator's reckoning.
    package var lease: UInt64 = 10_000_000_000
    package var beat: UInt64 = 1_000_000_000
    /// How long an answer to a hello is waited for; twice as long after each that had none, up to eight times. A
    /// coordinator that stands still takes none of them, and they name much: those that wait for it must not fill the
    /// memory.
    package var hello: UInt64 = 2_000_000_000
    /// Pause after a refusal.
    package var refusal: UInt64 = 1_000_000_000

    package init() {}
  }

  package enum Action: Equatable, Sendable {
    /// Ask the workers what they hold, and call `collected` when all have said so. Those that are not to keep their
    /// rows drop them and close their connections; finished rows they report in any case.
    case collect(keepsRows: Bool)
    /// With what was collected last.
    case sendHello(nonce: UInt64)
    case sendBeat(session: UInt64, stamp: Instant)
    /// Requests may start until then.
    case lease(until: Instant)
    /// Work of this session and epoch may come. What the outbox holds is sent first; if the job is a new one, what it
    /// holds of the one before is put aside, and what was put aside of this one earlier is sent.
    case begin(session: UInt64, isNewJob: Bool)
    /// The coordinator will not have this agent; for the operator.
    case refused(reason: String, isTemporary: Bool)
    /// Draw another instance: this one is somebody else's.
    case takeNewInstance
    /// Tell the coordinator that this agent will end: it gets no more rows and returns what it has not started.
    case sendDraining
    /// Tell the coordinator that this agent ends now.
    case sendGoodbye
  }

  private enum State: Equatable {
    /// Hello is to be said: `greeting`.
    case absent
    /// The workers are asked what they hold: `absent`.
    case collecting
    /// Hello was said: `active`, `absent`, `refused`, `collecting` when the lease of what is held is over.
    case greeting(nonce: UInt64, since: Instant)
    /// Welcomed: `collecting`.
    case active(session: UInt64, epoch: UInt64, leaseEnd: Instant, nextBeat: Instant)
    /// Refused; hello is said again after a while: `greeting`, `collecting`.
    case refused(until: Instant)
    /// Goodbye was said; final.
    case parted
  }

  private let timing: Timing
  private var state = State.absent
  private var nextNonce: UInt64
  /// How often the time to wait for an answer has been doubled.
  private var doublings: UInt64 = 0
  /// Until when the rows of an earlier epoch's session may go on; nil if none are held.
  private var heldUntil: Instant?
  private var job: [UInt8] = []
  private var incoming = MessageOrder()
  private var outgoing = MessageOrder()
  private var isDraining = false

  /// `nonce`: where the numbers of this process's hellos begin; random, so that no other process uses them.
  package init(timing: Timing = Timing(), nonce: UInt64) {
    self.timing = timing
    nextNonce = nonce
  }

  /// Whether the hello is one of a process that goes on under a lease of an earlier epoch.
  package var isContinuing: Bool { heldUntil != nil }

  /// The session that messages have to carry; 0 without one.
  package var session: UInt64 {
    if case .active(let session, _, _, _) = state { session } else { 0 }
  }

  package func isCurrent(session: UInt64, epoch: UInt64) -> Bool {
    if case .active(let mine, let myEpoch, _, _) = state { mine == session && myEpoch == epoch } else { false }
  }

  // MARK: Time

  /// Time passes; call at least every second.
  package mutating func tick(now: Instant) -> [Action] {
    // What is held of an earlier epoch may not go on.
    if let end = heldUntil, now >= end { return lose(keepsRows: false) }
    switch state {
    case .absent: return sayHello(now)
    case .collecting, .parted: return []
    case .greeting(_, let since):
      guard now >= since.adding(nanoseconds: timing.hello << doublings) else { return [] }
      doublings = min(3, doublings + 1)
      return sayHello(now)
    case .refused(let end):
      return now >= end ? sayHello(now) : []
    case .active(let session, let epoch, let leaseEnd, let nextBeat):
      if now >= leaseEnd { return lose(keepsRows: false) }
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

  // MARK: Hello

  /// All workers have said what they hold.
  package mutating func collected(now: Instant) -> [Action] {
    guard state == .collecting else { return [] }
    state = .absent
    return tick(now: now)
  }

  /// The hello could not leave, because there is no connection; it is said again at the next tick.
  package mutating func helloNotSent() {
    guard case .greeting = state else { return }
    state = .absent
    doublings = 0
  }

  /// Something that the last hello named is kept no more: whoever answers that hello would wait for it.
  package mutating func dropped(now: Instant) -> [Action] {
    if case .greeting = state { sayHello(now) } else { [] }
  }

  /// `job` is what the session is about.
  package mutating func welcomed(nonce: UInt64, session: UInt64, epoch: UInt64, job welcomeJob: [UInt8], now: Instant)
    -> [Action]
  {
    // An answer to a hello that was given up belongs to a session which the newer hello has fenced.
    guard case .greeting(let expected, let since) = state, nonce == expected else { return [] }
    doublings = 0
    let isNewJob = welcomeJob != job
    // Rows of a job that is no more: nobody counts their connections.
    if isNewJob, heldUntil != nil { return lose(keepsRows: false) }
    job = welcomeJob
    heldUntil = nil
    incoming = MessageOrder()
    outgoing = MessageOrder()
    // The coordinator cannot have begun the lease before the hello left.
    let leaseEnd = since.adding(nanoseconds: timing.lease)
    state = .active(session: session, epoch: epoch, leaseEnd: leaseEnd, nextBeat: now)
    var actions: [Action] = [.begin(session: session, isNewJob: isNewJob), .lease(until: leaseEnd)]
    actions += tick(now: now)
    if isDraining, self.session == session { actions.append(.sendDraining) }
    return actions
  }

  package mutating func refused(reason: String, isTemporary: Bool, now: Instant) -> [Action] {
    guard case .greeting = state else { return [] }
    doublings = 0
    state = .refused(until: now.adding(nanoseconds: timing.refusal))
    return [.refused(reason: reason, isTemporary: isTemporary)]
  }

  private mutating func sayHello(_ now: Instant) -> [Action] {
    let nonce = nextNonce
    nextNonce &+= 1
    state = .greeting(nonce: nonce, since: now)
    return [.sendHello(nonce: nonce)]
  }

  // MARK: Messages

  /// What a message of the current session is to be taken for, by its number.
  package mutating func admit(_ number: UInt64) -> MessageOrder.Verdict { incoming.admit(number) }

  /// The number of the next message that is sent in the session.
  package mutating func nextNumber() -> UInt64 { outgoing.next() }

  /// A message of the session is missing, or one cannot be read.
  package mutating func lostMessage() -> [Action] {
    guard case .active = state else { return [] }
    return lose(keepsRows: false)
  }

  package mutating func echoed(stamp: Instant, now: Instant) -> [Action] {
    guard case .active(let session, let epoch, let leaseEnd, let nextBeat) = state else { return [] }
    // A lease that has run out is not renewed: workers may have stopped in its name.
    guard now < leaseEnd else { return [] }
    // Nor is one for which no beat was sent yet: the coordinator may be at fault, but never longer than a lease.
    guard stamp <= now else { return [] }
    let renewed = stamp.adding(nanoseconds: timing.lease)
    guard renewed > leaseEnd else { return [] }
    state = .active(session: session, epoch: epoch, leaseEnd: renewed, nextBeat: nextBeat)
    return [.lease(until: renewed)]
  }

  /// The coordinator of `epoch` does not know the session that a message carried. `isSuperseded`: another process
  /// has begun a session under the same instance.
  package mutating func unknown(session: UInt64, epoch: UInt64, isSuperseded: Bool) -> [Action] {
    guard case .active(let mine, let myEpoch, let leaseEnd, _) = state, mine == session else { return [] }
    if epoch != myEpoch {
      heldUntil = leaseEnd
      return lose(keepsRows: true)
    }
    return (isSuperseded ? [.takeNewInstance] : []) + lose(keepsRows: false)
  }

  private mutating func lose(keepsRows: Bool) -> [Action] {
    state = .collecting
    if keepsRows { return [.collect(keepsRows: true)] }
    heldUntil = nil
    return [.lease(until: .zero), .collect(keepsRows: false)]
  }

  // MARK: Ends

  /// The job is over for this session; the next hello begins another.
  package mutating func ended() -> [Action] {
    guard case .active = state else { return [] }
    return lose(keepsRows: false)
  }

  /// The agent is to end: it takes no more rows and finishes those it has started.
  package mutating func drain() -> [Action] {
    guard !isDraining else { return [] }
    isDraining = true
    if case .active = state { return [.sendDraining] }
    return []
  }

  /// The agent ends, whatever it still holds.
  package mutating func part() -> [Action] {
    defer { state = .parted }
    if case .active = state { return [.sendGoodbye] }
    return []
  }
}
