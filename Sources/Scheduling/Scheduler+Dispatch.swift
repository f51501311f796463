import DequeModule
package import FetchModel

extension Scheduler {
  /// Rows per turn of an origin, so that a long queue does not keep others waiting.
  private static let turn = 64
  private static let growthInterval: UInt64 = 100_000_000
  /// Rows a connection is given to work on before another one seems worth its handshake.
  private static let rowsPerConnection = 48

  /// Gives out what can be given out now: rows, and shares new, larger or asked back.
  package mutating func dispatch(now: Instant) -> [Dispatch] {
    dispatches = []
    if now >= nextGrowth {
      nextGrowth = now.adding(nanoseconds: Self.growthInterval)
      growShares()
    }
    placeOrigins()
    for slot in sessions.indices { serve(Int32(slot), now) }
    splitHotOrigins(now)
    defer { dispatches = [] }
    return dispatches.filter { !$0.rows.isEmpty || !$0.shares.isEmpty }
  }

  // MARK: Rows

  /// Fills a session's credit from its ready origins, in turns.
  private mutating func serve(_ slot: Int32, _ now: Instant) {
    // Not bound to a name: a copy would make the queues inside be copied when they change.
    while sessions[Int(slot)]?.hasCredit == true {
      if let seq = homeless.popFirst() {
        noteLease(seq, to: slot, now: now)
        withDispatch(to: slot) { $0.rows.append(seq) }
        continue
      }
      guard let number = sessions[Int(slot)]?.ready.popFirst() else { return }
      let index = Int(number) - 1
      guard let share = origins[index].shareIndex(of: slot), origins[index].shares[share].isReady else { continue }
      origins[index].shares[share].isReady = false
      growIfWorthwhile(number, share)
      giveTurn(number, share, slot, now)
      settle(number)
      noteHeat(number)
    }
  }

  /// Leases up to a turn of an origin's rows to the session of one of its shares.
  private mutating func giveTurn(_ number: UInt32, _ share: Int, _ slot: Int32, _ now: Instant) {
    let index = Int(number) - 1
    var given: [UInt64] = []
    while given.count < Self.turn, origins[index].queued > 0, sessions[Int(slot)]?.hasCredit == true {
      let entry = origins[index].shares[share]
      guard entry.outstanding < room(for: entry, at: index) else { break }
      given.append(lease(from: index, to: slot, now: now))
      origins[index].shares[share].outstanding += 1
      origins[index].shares[share].isUsed = true
    }
    if !given.isEmpty { withDispatch(to: slot) { $0.rows.append(contentsOf: given) } }
  }

  private mutating func withDispatch(to slot: Int32, _ change: (inout Dispatch) -> Void) {
    guard let session = sessions[Int(slot)] else { return }
    let position: Int
    if let known = dispatches.firstIndex(where: { $0.session == session.identifier }) {
      position = known
    } else {
      position = dispatches.count
      dispatches.append(Dispatch(session: session.identifier))
    }
    change(&dispatches[position])
  }

  // MARK: Shares

  /// Gives each origin that has rows and no share to one session: the one with the highest hash of both, so that
  /// the choice does not change when others come and go.
  private mutating func placeOrigins() {
    for _ in 0..<unplaced.count {
      guard let number = unplaced.popFirst() else { return }
      let index = Int(number) - 1
      origins[index].isUnplaced = false
      guard origins[index].queued > 0, origins[index].shares.isEmpty else {
        settle(number)
        continue
      }
      guard let slot = preferredSession(for: origins[index].hash) else {
        origins[index].isUnplaced = true
        unplaced.prepend(number)
        for slot in sessions.indices { reclaimIdleShares(of: Int32(slot)) }
        return
      }
      grant(number, to: slot, connections: 1)
    }
  }

  private func preferredSession(for hash: UInt64) -> Int32? {
    var best: (slot: Int32, weight: UInt64)?
    for (slot, session) in sessions.enumerated() {
      guard let session, session.freeConnections > 0, session.isReachable else { continue }
      var mix = StableHash()
      mix.add(hash)
      mix.add(session.hash)
      if mix.value >= best?.weight ?? 0 { best = (Int32(slot), mix.value) }
    }
    return best?.slot
  }

  /// Connections of an origin that one session may have while others could have some: its fair part.
  private var fairPart: Int {
    let count = sessions.reduce(0) { $0 + ($1 == nil ? 0 : 1) }
    return max(1, (configuration.connectionsPerOrigin + max(count, 1) - 1) / max(count, 1))
  }

  private mutating func grant(_ number: UInt32, to slot: Int32, connections: Int) {
    let index = Int(number) - 1
    if let share = origins[index].shareIndex(of: slot) {
      origins[index].shares[share].connections += connections
      origins[index].shares[share].target = origins[index].shares[share].connections
    } else {
      origins[index].shares.append(Share(session: slot, connections: connections))
    }
    sessions[Int(slot)]?.freeConnections -= connections
    precondition(origins[index].granted <= configuration.connectionsPerOrigin, "origin \(number) is over its limit")
    announce(number, slot)
    settle(number)
  }

  /// Tells a session the target of its share.
  private mutating func announce(_ number: UInt32, _ slot: Int32) {
    let index = Int(number) - 1
    guard let share = origins[index].shareIndex(of: slot) else { return }
    let grant = ShareGrant(origin: number, connections: origins[index].shares[share].target)
    withDispatch(to: slot) { dispatch in
      dispatch.shares.removeAll { $0.origin == number }
      dispatch.shares.append(grant)
    }
  }

  /// More connections at once if the backlog is long for those there are, up to the fair part.
  private mutating func growIfWorthwhile(_ number: UInt32, _ share: Int) {
    let index = Int(number) - 1
    let entry = origins[index].shares[share]
    guard entry.target == entry.connections else { return }
    let backlog = origins[index].queued + entry.outstanding
    let wanted = min(max(1, backlog / Self.rowsPerConnection), fairPart)
    enlarge(number, share, to: min(wanted, entry.connections * 2))
  }

  /// More connections for those that have had rows waiting for a while, beyond the fair part if nobody else
  /// wants them.
  private mutating func growShares() {
    let hungry = sessions.indices.filter { slot in
      guard let session = sessions[slot] else { return false }
      return session.isHungry && session.freeConnections > 0
    }
    for index in origins.indices where !origins[index].shares.isEmpty {
      // What one session gave up for another must not be taken by the first again.
      let isWanted = origins[index].queued > 0 && hungry.contains { origins[index].shareIndex(of: Int32($0)) == nil }
      let limit = isWanted ? fairPart : configuration.connectionsPerOrigin
      for share in origins[index].shares.indices {
        let entry = origins[index].shares[share]
        guard entry.outstanding > entry.connections, entry.target == entry.connections else { continue }
        let wanted = min(limit, entry.connections * 2)
        if wanted > entry.connections, sessions[Int(entry.session)]?.freeConnections == 0 {
          reclaimIdleShares(of: entry.session)
        }
        enlarge(UInt32(index + 1), share, to: wanted)
      }
      // A session that came after the origin was last served is not known to it yet.
      noteHeat(UInt32(index + 1))
    }
  }

  private mutating func enlarge(_ number: UInt32, _ share: Int, to wanted: Int) {
    let index = Int(number) - 1
    let entry = origins[index].shares[share]
    let free = min(
      configuration.connectionsPerOrigin - origins[index].granted,
      sessions[Int(entry.session)]?.freeConnections ?? 0
    )
    let more = min(wanted - entry.connections, free)
    if more > 0 { grant(number, to: entry.session, connections: more) }
  }

  private mutating func noteHeat(_ number: UInt32) {
    let index = Int(number) - 1
    guard origins[index].queued > 0, !origins[index].isHot, origins[index].shares.count < sessions.count else { return }
    origins[index].isHot = true
    hot.append(number)
  }

  /// Sessions with nothing better to do take a part of origins whose queues do not get shorter.
  private mutating func splitHotOrigins(_ now: Instant) {
    guard !hot.isEmpty else { return }
    for slot in sessions.indices {
      guard let session = sessions[slot], session.isHungry else { continue }
      guard session.freeConnections > 0 else {
        reclaimIdleShares(of: Int32(slot))
        continue
      }
      splitOne(to: Int32(slot))
      serve(Int32(slot), now)
    }
  }

  private mutating func splitOne(to slot: Int32) {
    for _ in 0..<min(hot.count, 8) {
      guard let number = hot.popFirst() else { return }
      let index = Int(number) - 1
      origins[index].isHot = false
      guard origins[index].queued > 0 else {
        settle(number)
        continue
      }
      if origins[index].shareIndex(of: slot) == nil { split(number, to: slot) }
      // It stays hot for the next session until its queue is short.
      noteHeat(number)
      return
    }
  }

  private mutating func split(_ number: UInt32, to slot: Int32) {
    let index = Int(number) - 1
    let limit = configuration.connectionsPerOrigin
    let room = min(limit - origins[index].granted, fairPart, sessions[Int(slot)]?.freeConnections ?? 0)
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

  /// Whether the session's share changes already in this round. If it were changed again, the session would be told
  /// only the last: of a larger share taken back at once it would never know, and so never confirm.
  private func isAnnounced(_ number: UInt32, to slot: Int32) -> Bool {
    guard let session = sessions[Int(slot)],
      let dispatch = dispatches.first(where: { $0.session == session.identifier })
    else { return false }
    return dispatch.shares.contains { $0.origin == number }
  }

  private mutating func lower(_ number: UInt32, _ share: Int, to target: Int) {
    let index = Int(number) - 1
    origins[index].shares[share].target = target
    announce(number, origins[index].shares[share].session)
  }

  /// Asks a session that has no connection to spare for some of the shares that have had nothing to do longest:
  /// those listed first, except that one which was used since gets a second turn.
  private mutating func reclaimIdleShares(of slot: Int32) {
    var asked = 0
    var looks = 2 * (sessions[Int(slot)]?.idleShares.count ?? 0)
    while asked < 64, looks > 0, let number = sessions[Int(slot)]?.idleShares.popFirst() {
      looks -= 1
      let index = Int(number) - 1
      guard let share = origins[index].shareIndex(of: slot) else { continue }
      origins[index].shares[share].isListedIdle = false
      let entry = origins[index].shares[share]
      guard entry.outstanding == 0, origins[index].queued == 0, entry.target > 0 else { continue }
      if entry.isUsed || isAnnounced(number, to: slot) {
        origins[index].shares[share].isUsed = false
        origins[index].shares[share].isListedIdle = true
        sessions[Int(slot)]?.idleShares.append(number)
      } else {
        lower(number, share, to: 0)
        asked += 1
      }
    }
  }
}
