import DequeModule
package import FetchModel
import HeapModule

/// Origins and agents that fail.
extension Scheduler {
  /// Penalties of origins that have no rows; more are forgotten.
  private static let rememberedPenalties = 65_536
  /// How long an origin without rows is remembered once its pause is over: the next row is a probe.
  private static let memory: UInt64 = 600_000_000_000
  private static let recoveryStep: UInt64 = 1_000_000_000
  private static let givenUpAtOnce = 4096

  // MARK: Learning

  /// Takes note of what a request came to. Returns whether the failure may be the agent's own.
  mutating func learn(_ number: UInt32, status: UInt16, failure: FailureCode?, from slot: Int32, _ now: Instant)
    -> Bool
  {
    guard number != 0 else { return false }
    let index = Int(number) - 1
    if status != 0 {
      believesFailures = false
      if origins[index].health.answered() { healthChanged(number, now) }
    } else if let failure, failure.isWithoutAnswer {
      var jitter = StableHash()
      jitter.add(configuration.seed)
      jitter.add(origins[index].hash)
      jitter.add(UInt64(origins[index].health.failures))
      let changed = origins[index].health.failed(
        failure,
        giveUpAfter: configuration.retry.giveUpAfter.wholeNanoseconds,
        jitter: jitter.value,
        now: now
      )
      if changed { healthChanged(number, now) }
    }
    let hasFailed = status == 0 && failure?.isWithoutConnection == true
    // What never came to the network says nothing of it.
    guard status != 0 || failure?.isOfTheNetwork == true else { return false }
    noteVerdict(number, hasFailed: hasFailed, from: slot, now)
    return hasFailed && !believesFailures && sessions[Int(slot)].trust.isDoubtful
  }

  private mutating func noteVerdict(_ number: UInt32, hasFailed: Bool, from slot: Int32, _ now: Instant) {
    let index = Int(number) - 1
    if let share = origins[index].shareIndex(of: slot) {
      let isSuspended = sessions[Int(slot)].trust.isSuspended
      guard origins[index].shares[share].hasFailed != hasFailed || isSuspended else { return }
      origins[index].shares[share].hasFailed = hasFailed
    }
    if !hasFailed, sessions[Int(slot)].trust.isSuspended {
      // The probe got through.
      sessions[Int(slot)].trust.restore()
      endPause()
      return
    }
    guard sessions[Int(slot)].trust.note(origin: number, hasFailed: hasFailed) == true else { return }
    if believesFailures {
      sessions[Int(slot)].trust.restore()
    } else {
      suspend(slot, now)
    }
  }

  mutating func noteService(_ microseconds: UInt32, of index: Int) {
    let known = origins[index].serviceMicroseconds
    let next = known == 0 ? microseconds : known - known / 8 + microseconds / 8
    origins[index].serviceMicroseconds = max(next, 1)
  }

  // MARK: Agents

  /// What the agent has not started is for others; those it holds come back as they fail.
  private mutating func suspend(_ slot: Int32, _ now: Instant) {
    sessions[Int(slot)].nextProbe = now
    if isAnyoneWell { lowerAll(of: slot) } else { pausedSince = now }
  }

  private var isAnyoneWell: Bool {
    sessions.contains { session in
      session.standing == .active && !session.trust.isSuspended
    }
  }

  /// All agents are suspended: nothing but probes is given out.
  package var isPaused: Bool { pausedSince != nil }

  /// All agents that are left are suspended: nothing but probes goes out. A pause in which no probe was answered ends,
  /// too: then it is the origins that are gone, and the job must end.
  mutating func stepPause(_ now: Instant) {
    guard !isAnyoneWell else { return endPause() }
    guard let since = pausedSince else {
      if sessions.contains(where: { $0.standing == .active && $0.trust.isSuspended }) { pausedSince = now }
      return
    }
    guard now.nanoseconds(since: since) >= configuration.retry.giveUpAfter.wholeNanoseconds else { return }
    pausedSince = nil
    believesFailures = true
    for slot in sessions.indices { sessions[slot].trust.restore() }
  }

  /// Somebody is well again, or has come: what suspended agents have not started is for that one.
  private mutating func endPause() {
    guard pausedSince != nil else { return }
    pausedSince = nil
    for slot in sessions.indices where sessions[slot].standing == .active && sessions[slot].trust.isSuspended {
      lowerAll(of: Int32(slot))
    }
  }

  /// Whether a failure that may be the agent's own is tried again instead of recorded: always if it is suspended,
  /// once for each row if it is only doubted. Never for unsafe requests: a redirect may have been followed before, and
  /// then the first request was carried out.
  func mayTryAgain(_ seq: UInt64, at slot: Int32) -> Bool {
    rows[seq].session == slot && !hasCopies(seq) && !rows[seq].mustNotRepeat
      && (sessions[Int(slot)].trust.isSuspended || !rows[seq].wasDoubted)
  }

  /// The attempt does not count; the next one is somewhere else if there is another agent.
  mutating func tryElsewhere(_ seq: UInt64, from slot: Int32, attempts: UInt16, _ now: Instant) {
    let number = rows[seq].origin
    release(seq, from: slot)
    if number != 0 { returnProbe(number, of: slot) }
    rows[seq].wasDoubted = true
    rows[seq].avoided = Int16(clamping: slot)
    rows[seq].attempts = attempts
    if let detour = detours[seq] { returnHome(seq, detour) }
    wait(seq, until: now.adding(nanoseconds: sessionSlots.count > 1 ? 0 : 1_000_000_000))
  }

  /// A suspended agent keeps no origin from others that are well.
  private mutating func returnProbe(_ number: UInt32, of slot: Int32) {
    let index = Int(number) - 1
    guard pausedSince == nil, sessions[Int(slot)].trust.isSuspended,
      let share = origins[index].shareIndex(of: slot), origins[index].shares[share].target > 0,
      origins[index].shares[share].outstanding == 0
    else { return }
    lower(number, share, to: 0)
    settle(number)
  }

  // MARK: Origins

  /// An origin asked for a pause with a response that ended its row.
  package mutating func pause(_ number: UInt32, milliseconds: UInt64, from session: UInt64, now: Instant) {
    guard let slot = sessionSlots[session], origins.indices.contains(Int(number) - 1),
      origins[Int(number) - 1].shareIndex(of: slot) != nil
    else { return }
    pause(number, milliseconds: milliseconds, now)
  }

  mutating func pause(_ number: UInt32, milliseconds: UInt64, _ now: Instant) {
    guard number != 0 else { return }
    if origins[Int(number) - 1].health.asked(forMilliseconds: milliseconds, now: now) { healthChanged(number, now) }
  }

  private mutating func healthChanged(_ number: UInt32, _ now: Instant) {
    let index = Int(number) - 1
    switch origins[index].health.phase {
    case .parked(let until), .down(let until):
      healthSteps.insert(HealthStep(due: until, origin: number))
      // Rows that wait at agents come back, and idle connections close.
      for share in origins[index].shares.indices.reversed() where origins[index].shares[share].target > 0 {
        lower(number, share, to: 0)
      }
    case .recovering:
      insertRecovery(number, now)
      spreadOut(number)
    case .healthy, .probing: break
    }
    settle(number)
  }

  /// An origin without rows is remembered for a while when its pause is over.
  mutating func rememberIfProbing(_ number: UInt32) {
    let index = Int(number) - 1
    guard origins[index].health.phase == .probing, origins[index].live == 0,
      origins[index].rememberedUntil <= clock, isCurrent(number)
    else { return }
    origins[index].rememberedUntil = clock.adding(nanoseconds: Self.memory)
    healthSteps.insert(HealthStep(due: origins[index].rememberedUntil, origin: number))
  }

  private mutating func insertRecovery(_ number: UInt32, _ now: Instant) {
    let due = now.adding(nanoseconds: Self.recoveryStep)
    origins[Int(number) - 1].nextRecovery = due
    healthSteps.insert(HealthStep(due: due, origin: number))
  }

  /// Pauses end, and origins that come back get more connections.
  mutating func stepHealth(_ now: Instant) {
    while let step = healthSteps.min, step.due <= now {
      healthSteps.removeMin()
      let index = Int(step.origin) - 1
      switch origins[index].health.phase {
      case .parked(let until), .down(let until):
        // Otherwise it was prolonged, or the number has another origin now.
        guard until == step.due else { continue }
        origins[index].health.resume(now: now)
        settle(step.origin)
      case .recovering:
        guard origins[index].nextRecovery == step.due else { continue }
        if !origins[index].health.grow(limit: configuration.connectionsPerOrigin) {
          insertRecovery(step.origin, now)
        }
        spreadOut(step.origin)
        settle(step.origin)
      case .probing:
        guard origins[index].rememberedUntil == step.due else { continue }
        origins[index].rememberedUntil = .zero
        // It had its time to be asked for again.
        if origins[index].live == 0 { origins[index].health = OriginHealth() }
        settle(step.origin)
      case .healthy: break
      }
    }
    forgetPenalties()
  }

  /// The connections that a recovering origin may have again go to the session that has it.
  private mutating func spreadOut(_ number: UInt32) {
    let index = Int(number) - 1
    guard !isQuarantined, origins[index].queued > 0,
      let share = origins[index].shares.firstIndex(where: { $0.target > 0 && $0.target == $0.connections }),
      !isAnnounced(number, to: origins[index].shares[share].session)
    else { return }
    let entry = origins[index].shares[share]
    enlarge(number, share, to: entry.connections + limit(of: index))
  }

  /// Origins without rows whose penalty outlives them are few enough to be kept, or the first to end are not.
  private mutating func forgetPenalties() {
    while healthSteps.count > Self.rememberedPenalties, let step = healthSteps.popMin() {
      let index = Int(step.origin) - 1
      guard origins[index].live == 0 else { continue }
      origins[index].health = OriginHealth()
      settle(step.origin)
    }
  }

  // MARK: Giving up

  /// Rows of an origin that is closed: those of one that is down are ended without a try.
  mutating func noteGivenUp(_ number: UInt32) {
    let index = Int(number) - 1
    guard case .down = origins[index].health.phase, !origins[index].isGivenUp else { return }
    origins[index].isGivenUp = true
    givenUp.append(number)
  }

  mutating func giveUpRows() -> [GivenUpOrigin] {
    var ended: [GivenUpOrigin] = []
    var left = Self.givenUpAtOnce
    for _ in 0..<givenUp.count {
      guard left > 0, let number = givenUp.popFirst() else { break }
      let index = Int(number) - 1
      origins[index].isGivenUp = false
      if case .down = origins[index].health.phase {
        let origin = origins[index]
        let rows = endRows(of: number, atMost: left)
        left -= rows.count
        if !rows.isEmpty {
          ended.append(
            GivenUpOrigin(
              key: origin.key,
              failures: origin.health.failures,
              lastFailure: origin.health.lastFailure,
              rows: rows
            )
          )
        }
      }
      settle(number)
    }
    return ended
  }

  private mutating func endRows(of number: UInt32, atMost limit: Int) -> [EndedRow] {
    let index = Int(number) - 1
    for share in origins[index].shares.indices { unpin(share, of: number) }
    var ended: [EndedRow] = []
    while ended.count < limit, let seq = rows.first(of: origins[index].queue) {
      rows.remove(seq, from: &origins[index].queue)
      origins[index].queued -= 1
      counts.queued -= 1
      ended.append(EndedRow(seq: seq, location: rows[seq].location, attempts: rows[seq].attempts))
      finish(seq)
    }
    return ended
  }
}

extension FailureCode {
  /// The failure came before there was a connection: the agent's network may be at fault.
  var isWithoutConnection: Bool { (10..<30).contains(rawValue) }

  /// Somebody was asked for something.
  var isOfTheNetwork: Bool { (10..<80).contains(rawValue) }

  /// The origin did not get as far as an answer.
  var isWithoutAnswer: Bool { (10..<58).contains(rawValue) }
}
