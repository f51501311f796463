import DequeModule
import FetchModel

/// Who may have how many connections to what.
extension Scheduler {
  private static let growthInterval: UInt64 = 100_000_000
  /// Origins looked at in one go, so that a loop's turn stays short however many there are.
  private static let growthOrigins = 4096
  /// Rows for each connection that make another one worth its handshake, whatever else the agent does.
  private static let rowsPerConnection = 100
  /// A backlog that would take longer than this with the connections there are is worth another one.
  private static let patienceMicroseconds: UInt64 = 50_000
  private static let stuckNanoseconds: UInt64 = 200_000_000

  // MARK: Placing

  /// Gives each origin that has rows and no share to one session: the one with the highest hash of both, so that
  /// the choice does not change when others come and go.
  mutating func placeOrigins(_ now: Instant) {
    for _ in 0..<unplaced.count {
      guard let number = unplaced.popFirst() else { return }
      let index = Int(number) - 1
      guard origins[index].isUnplaced else { continue }
      origins[index].isUnplaced = false
      guard origins[index].queued > 0, origins[index].health.isOpen, !origins[index].isServed else {
        settle(number)
        continue
      }
      // With all connections still at sessions that are to give them up, the next change comes with their word.
      guard origins[index].granted < limit(of: index) else { continue }
      if let slot = preferredSession(for: index) {
        grant(number, to: slot, connections: 1)
      } else if origins[index].shares.isEmpty {
        origins[index].isUnplaced = true
        unplaced.prepend(number)
        for slot in sessions.indices { reclaimIdleShares(of: Int32(slot), atMost: unplaced.count) }
        return
      }
    }
  }

  func limit(of index: Int) -> Int { origins[index].health.ceiling(of: configuration.connectionsPerOrigin) }

  private func preferredSession(for index: Int, except avoided: Int32 = -1) -> Int32? {
    let hash = origins[index].hash
    var best: (slot: Int32, weight: UInt64)?
    for slot in sessions.indices where Int32(slot) != avoided {
      guard sessions[slot].freeConnections > 0, sessions[slot].isAttentive, isWorthy(sessions[slot]),
        origins[index].shareIndex(of: Int32(slot)) == nil
      else { continue }
      let weight = mixed(hash, sessions[slot].hash)
      if weight >= best?.weight ?? 0 { best = (Int32(slot), weight) }
    }
    return best?.slot
  }

  /// Suspended agents get origins only when there are no others: one of them may be the first to be well again.
  private func isWorthy(_ session: Session) -> Bool { !session.trust.isSuspended || pausedSince != nil }

  /// The finisher of SplitMix64 over both.
  private func mixed(_ left: UInt64, _ right: UInt64) -> UInt64 {
    var mixed = left ^ right
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// Connections of an origin that one session may have while others could have some: its fair part.
  var fairPart: Int {
    let count = max(sessionSlots.count, 1)
    return max(1, (configuration.connectionsPerOrigin + count - 1) / count)
  }

  mutating func grant(_ number: UInt32, to slot: Int32, connections: Int) {
    let index = Int(number) - 1
    if let share = origins[index].shareIndex(of: slot) {
      precondition(
        origins[index].shares[share].target == origins[index].shares[share].connections,
        "a share of origin \(number) is raised before it was confirmed lowered"
      )
      origins[index].shares[share].connections += connections
      origins[index].shares[share].target = origins[index].shares[share].connections
    } else {
      if origins[index].shares.isEmpty { origins[index].servedSince = clock }
      origins[index].shares.append(Share(session: slot, connections: connections))
    }
    sessions[Int(slot)].freeConnections -= connections
    sessions[Int(slot)].noteConnections(connections)
    precondition(origins[index].granted <= configuration.connectionsPerOrigin, "origin \(number) is over its limit")
    announce(number, slot)
    settle(number)
  }

  /// A share at another session for a row that failed at this one, made if there is room; its index.
  mutating func shareElsewhere(_ number: UInt32, than avoided: Int32) -> Int? {
    let index = Int(number) - 1
    guard origins[index].health.phase == .healthy else { return nil }
    for (share, entry) in origins[index].shares.enumerated() where entry.session != avoided && entry.target > 0 {
      if sessions[Int(entry.session)].isEligible { return share }
    }
    guard !isQuarantined, origins[index].granted < limit(of: index),
      let slot = preferredSession(for: index, except: avoided)
    else { return nil }
    grant(number, to: slot, connections: 1)
    return origins[index].shareIndex(of: slot)
  }

  // MARK: Growing

  /// More connections at once if the backlog is long for those there are, up to the fair part.
  mutating func growIfWorthwhile(_ number: UInt32, _ share: Int, _ now: Instant) {
    let index = Int(number) - 1
    let connections = origins[index].shares[share].connections
    let backlog = origins[index].queue.count + origins[index].shares[share].outstanding
    guard backlog >= (connections + 1) * Self.rowsPerConnection, origins[index].shares[share].target == connections,
      !isQuarantined
    else { return }
    enlarge(number, share, to: min(backlog / Self.rowsPerConnection, fairPart, connections * 2))
  }

  /// More connections for those whose rows would wait for long, beyond the fair part if nobody else wants them,
  /// but only at agents that have the time for handshakes; and fewer for those that need them no more.
  mutating func growSharesIfDue(_ now: Instant) {
    guard now >= nextGrowth else { return }
    nextGrowth = now.adding(nanoseconds: Self.growthInterval)
    tidyHot()
    let hungry = sessions.indices.filter { slot in
      sessions[slot].isHungry && sessions[slot].freeConnections > 0
    }
    for _ in 0..<min(origins.count, Self.growthOrigins) {
      growthCursor = growthCursor + 1 >= origins.count ? 0 : growthCursor + 1
      let index = growthCursor
      guard !origins[index].shares.isEmpty else { continue }
      // What one session gave up for another must not be taken by the first again.
      let isWanted =
        now < origins[index].helpedUntil
        || origins[index].queued > 0 && hungry.contains { origins[index].shareIndex(of: Int32($0)) == nil }
      growShares(of: UInt32(index + 1), limit: isWanted ? fairPart : configuration.connectionsPerOrigin, now)
      // A session that came after the origin was last served is not known to it yet.
      noteHeat(UInt32(index + 1))
      if origins[index].queued > 0, !origins[index].isServed { settle(UInt32(index + 1)) }
      if now >= origins[index].helpedUntil { foldBack(UInt32(index + 1)) }
    }
  }

  private mutating func growShares(of number: UInt32, limit: Int, _ now: Instant) {
    let index = Int(number) - 1
    for share in origins[index].shares.indices {
      let entry = origins[index].shares[share]
      // Unsafe rows are never more than there are connections; what is queued counts, too.
      let wanting = entry.outstanding + origins[index].queue.count
      guard entry.outstanding >= entry.connections, wanting > entry.connections, entry.target == entry.connections,
        isSlow(index, now)
      else { continue }
      let affordable = sessions[Int(entry.session)].affordableConnections(now: now)
      let wanted = min(limit, entry.connections * 2, entry.connections + affordable, wanting)
      guard wanted > entry.connections else { continue }
      if sessions[Int(entry.session)].freeConnections == 0 { reclaimIdleShares(of: entry.session, atMost: wanted) }
      enlarge(number, share, to: wanted)
    }
  }

  /// Whether the origin's backlog will take long with the connections there are.
  func isSlow(_ index: Int, _ now: Instant) -> Bool {
    let backlog = origins[index].queue.count + origins[index].outstanding
    let connections = max(1, origins[index].granted)
    // Before the first result it is as slow as it has been so far.
    let known = UInt64(origins[index].serviceMicroseconds)
    let service = known == 0 ? now.nanoseconds(since: origins[index].servedSince) / 1000 : known
    return UInt64(backlog) * service / UInt64(connections) > Self.patienceMicroseconds || isStuck(index, now)
  }

  /// Whether nothing has come back for much longer than rows took so far: what is finished says nothing of those that
  /// are not.
  private func isStuck(_ index: Int, _ now: Instant) -> Bool {
    let usual = UInt64(origins[index].serviceMicroseconds) * 1000
    for share in origins[index].shares.indices where origins[index].shares[share].outstanding > 0 {
      let quiet = now.nanoseconds(since: origins[index].shares[share].lastNews)
      if quiet > Self.stuckNanoseconds + 4 * usual { return true }
    }
    return false
  }

  mutating func enlarge(_ number: UInt32, _ share: Int, to wanted: Int) {
    let index = Int(number) - 1
    let entry = origins[index].shares[share]
    guard wanted > entry.connections else { return }
    let free = min(limit(of: index) - origins[index].granted, sessions[Int(entry.session)].freeConnections)
    let more = min(wanted - entry.connections, free)
    if more > 0, sessions[Int(entry.session)].isEligible {
      grant(number, to: entry.session, connections: more)
    }
  }

  // MARK: Splitting

  mutating func noteHeat(_ number: UInt32) {
    let index = Int(number) - 1
    guard !origins[index].queue.isEmpty, !origins[index].isHot, origins[index].shares.count < sessions.count else {
      return
    }
    origins[index].isHot = true
    hot.append(number)
  }

  /// Entries of origins that were forgotten are dropped before they are many.
  private mutating func tidyHot() {
    guard hot.count > 2 * originNumbers.count + 64 else { return }
    var kept: Deque<UInt32> = []
    for number in hot where origins[Int(number) - 1].isHot {
      // Numbers are used again: each stands once from here on.
      origins[Int(number) - 1].isHot = false
      kept.append(number)
    }
    for number in kept { origins[Int(number) - 1].isHot = true }
    hot = kept
  }

  /// Sessions with nothing better to do take a part of origins whose queues do not get shorter.
  mutating func splitHotOrigins(_ now: Instant) {
    guard !hot.isEmpty else { return }
    for slot in sessions.indices {
      guard sessions[slot].isHungry else { continue }
      guard sessions[slot].freeConnections > 0 else {
        reclaimIdleShares(of: Int32(slot), atMost: fairPart)
        continue
      }
      splitOne(to: Int32(slot), now)
      serve(Int32(slot), now)
    }
  }

  private mutating func splitOne(to slot: Int32, _ now: Instant) {
    for _ in 0..<min(hot.count, 8) {
      guard let number = hot.popFirst() else { return }
      let index = Int(number) - 1
      guard origins[index].isHot else { continue }
      origins[index].isHot = false
      guard !origins[index].queue.isEmpty else {
        settle(number)
        continue
      }
      if origins[index].shareIndex(of: slot) == nil { split(number, to: slot, now) }
      // It stays hot for the next session until its queue is short.
      noteHeat(number)
      return
    }
  }

  /// Gives a session that has time a part of the origin's connections, if its rows are worth the handshakes.
  mutating func split(_ number: UInt32, to slot: Int32, _ now: Instant) {
    let index = Int(number) - 1
    guard origins[index].health.isOpen else { return }
    if let share = origins[index].shareIndex(of: slot),
      origins[index].shares[share].target < origins[index].shares[share].connections
    {
      return
    }
    let backlog = origins[index].queue.count + origins[index].outstanding
    let paying = backlog / Self.rowsPerConnection - origins[index].granted
    let affordable = isSlow(index, now) ? sessions[Int(slot)].affordableConnections(now: now) : 0
    let worth = min(max(paying, affordable), fairPart, backlog)
    guard worth > 0 else { return }
    let room = min(limit(of: index) - origins[index].granted, sessions[Int(slot)].freeConnections, worth)
    if room > 0 { return grant(number, to: slot, connections: room) }
    // All are given out: the largest share comes down to its fair part, and what it confirms is given on.
    guard
      let largest = origins[index].shares.indices.max(by: {
        origins[index].shares[$0].connections < origins[index].shares[$1].connections
      }),
      origins[index].shares[largest].target > fairPart,
      !isAnnounced(number, to: origins[index].shares[largest].session)
    else { return }
    lower(number, largest, to: fairPart)
  }

  // MARK: Lowering

  /// Asks a session to come down to fewer connections. What it has not been told of is simply not given.
  mutating func lower(_ number: UInt32, _ share: Int, to target: Int) {
    let index = Int(number) - 1
    if target == 0 { unpin(share, of: number) }
    let entry = origins[index].shares[share]
    let known = max(entry.told, target)
    if known < entry.connections, isAnnounced(number, to: entry.session) {
      origins[index].shares[share].connections = known
      sessions[Int(entry.session)].freeConnections += entry.connections - known
    }
    origins[index].shares[share].target = target
    let left = origins[index].shares[share].connections
    sessions[Int(entry.session)].comingConnections += (left - target) - (entry.connections - entry.target)
    if target == entry.told {
      retract(number, from: entry.session)
      dropIfEmpty(number, share)
    } else {
      announce(number, entry.session)
    }
  }

  /// An origin that was split and has nothing left for the other sessions goes back to one.
  private mutating func foldBack(_ number: UInt32) {
    let index = Int(number) - 1
    guard origins[index].shares.count > 1, origins[index].queued == 0 else { return }
    var served = origins[index].shares.count { $0.target > 0 }
    for share in origins[index].shares.indices.reversed() where served > 1 {
      let entry = origins[index].shares[share]
      guard entry.target > 0, entry.outstanding == 0, !isAnnounced(number, to: entry.session) else { continue }
      guard !entry.isUsed else {
        // It had rows since the last look.
        origins[index].shares[share].isUsed = false
        continue
      }
      lower(number, share, to: 0)
      served -= 1
    }
  }

  /// Asks a session that has no connection to spare for some of the shares that have had nothing to do longest:
  /// those listed first, except that one which was used since gets a second turn. No more than are wanted and not on
  /// their way: each costs a handshake when its origin has rows again.
  mutating func reclaimIdleShares(of slot: Int32, atMost wanted: Int) {
    var asked = sessions[Int(slot)].comingConnections
    var looks = 2 * sessions[Int(slot)].idleShares.count
    while asked < min(wanted, 64), looks > 0, let number = sessions[Int(slot)].idleShares.popFirst() {
      looks -= 1
      let index = Int(number) - 1
      guard let share = origins[index].shareIndex(of: slot) else { continue }
      origins[index].shares[share].isListedIdle = false
      let entry = origins[index].shares[share]
      guard entry.outstanding == 0, origins[index].queued == 0, entry.target > 0 else { continue }
      if entry.isUsed || isAnnounced(number, to: slot) {
        origins[index].shares[share].isUsed = false
        origins[index].shares[share].isListedIdle = true
        sessions[Int(slot)].idleShares.append(number)
      } else {
        asked += entry.connections
        lower(number, share, to: 0)
      }
    }
  }

  /// The agent has come down to fewer connections.
  package mutating func sharesLowered(_ grants: [ShareGrant], by session: UInt64) {
    guard let slot = sessionSlots[session] else { return }
    for grant in grants {
      let index = Int(grant.origin) - 1
      guard origins.indices.contains(index), let share = origins[index].shareIndex(of: slot) else { continue }
      let current = origins[index].shares[share].connections
      // Only what was asked for is taken back.
      let confirmed = max(grant.connections, origins[index].shares[share].target)
      guard confirmed < current else { continue }
      origins[index].shares[share].connections = confirmed
      sessions[Int(slot)].freeConnections += current - confirmed
      sessions[Int(slot)].comingConnections -= current - confirmed
      dropIfEmpty(grant.origin, share)
      settle(grant.origin)
    }
  }

  /// A share that has come down to nothing goes when its last row has come back.
  mutating func dropIfEmpty(_ number: UInt32, _ share: Int) {
    let entry = origins[Int(number) - 1].shares[share]
    guard entry.connections == 0, entry.outstanding == 0 else { return }
    unpin(share, of: number)
    origins[Int(number) - 1].shares.remove(at: share)
  }
}
