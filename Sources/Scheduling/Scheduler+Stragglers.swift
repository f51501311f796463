import FetchModel

/// Rows that hang at busy, silent or suspect agents while others have nothing to do.
extension Scheduler {
  private static let balanceInterval: UInt64 = 200_000_000
  private static let balanceOrigins = 4096
  /// Rows are asked back only if they would wait there for longer than this.
  private static let longWaitMicroseconds: UInt64 = 500_000
  private static let recallInterval: UInt64 = 1_000_000_000
  private static let helpDuration: UInt64 = 2_000_000_000
  private static let recalledAtOnce = 256
  private static let doubledAtOnce = 64

  /// Finds work for sessions that have none: rows that others have not started, and copies of rows in flight at
  /// suspect ones. A row that waits for a slow origin is left where it is.
  mutating func balanceIfDue(_ now: Instant) {
    guard now >= nextBalance, pausedSince == nil else { return }
    nextBalance = now.adding(nanoseconds: Self.balanceInterval)
    let idle = sessions.indices.map(Int32.init).filter { slot in
      sessions[Int(slot)].isHungry && sessions[Int(slot)].freeConnections > 0
    }
    guard !idle.isEmpty, sessionSlots.count > 1 else { return }
    var turn = 0
    for _ in 0..<min(origins.count, Self.balanceOrigins) {
      balanceCursor = balanceCursor + 1 >= origins.count ? 0 : balanceCursor + 1
      let index = balanceCursor
      guard origins[index].queue.isEmpty, origins[index].health.phase == .healthy else { continue }
      // Asking for help may give the origin a further share, which has nothing to give.
      for share in origins[index].shares.indices {
        let holder = origins[index].shares[share].session
        let next = (0..<idle.count).lazy.map { idle[(turn + $0) % idle.count] }
        guard let helper = next.first(where: { canHelp($0, holder, at: index) }) else { continue }
        let isSuspect = sessions[Int(holder)].trust.isSuspended || sessions[Int(holder)].isSilent
        if isSuspect && sessions[Int(holder)].standing != .fenced {
          if double(UInt32(index + 1), share, to: helper, now) { turn += 1 }
        } else if recall(UInt32(index + 1), share, for: helper, now) {
          turn += 1
        }
      }
    }
  }

  /// Whether a session with time to spare has none of the origin's rows waiting itself.
  private func canHelp(_ helper: Int32, _ holder: Int32, at index: Int) -> Bool {
    guard helper != holder else { return false }
    guard let share = origins[index].shareIndex(of: helper) else { return true }
    return origins[index].shares[share].outstanding <= origins[index].shares[share].connections
  }

  // MARK: Recall

  /// Asks for the newest rows of a share back if they wait for long and the other session has connections for them,
  /// or can have some.
  private mutating func recall(_ number: UInt32, _ share: Int, for helper: Int32, _ now: Instant) -> Bool {
    let index = Int(number) - 1
    let entry = origins[index].shares[share]
    let waiting = entry.leased.count - entry.connections
    guard waiting > 1, entry.target > 0, now >= entry.recallableAt else { return false }
    let wait = UInt64(waiting) * UInt64(origins[index].serviceMicroseconds) / UInt64(max(entry.connections, 1))
    guard wait > Self.longWaitMicroseconds else { return false }
    // A share that is being lowered is raised only when that is confirmed.
    if let own = origins[index].shareIndex(of: helper),
      origins[index].shares[own].target < origins[index].shares[own].connections
    {
      return false
    }
    // Until the helper has its rows nobody takes its connections back.
    origins[index].helpedUntil = now.adding(nanoseconds: Self.helpDuration)
    guard let own = origins[index].shareIndex(of: helper), origins[index].shares[own].target > 0 else {
      split(number, to: helper, now)
      return origins[index].shareIndex(of: helper) != nil
    }
    // As much as the helper will do meanwhile.
    let connections = origins[index].shares[own].connections
    let part = waiting * connections / (connections + entry.connections)
    let seqs = rows.last(min(max(part, 1), Self.recalledAtOnce), of: entry.leased) { !hasCopies($0) }
    origins[index].shares[share].recallableAt = now.adding(nanoseconds: Self.recallInterval)
    guard !seqs.isEmpty else { return false }
    withDispatch(to: entry.session) { $0.recalls.append(Recall(origin: number, seqs: seqs)) }
    return true
  }

  /// A row comes back that was not started. If it was asked back it is for another session than this one.
  mutating func noteNotStarted(_ seq: UInt64, at slot: Int32, _ now: Instant) {
    let number = rows[seq].origin
    guard number != 0, now < origins[Int(number) - 1].helpedUntil else { return }
    rows[seq].avoided = Int16(clamping: slot)
  }

  // MARK: Doubling

  /// Gives another session copies of a suspect one's rows, each once, idempotent ones only, inside the origin's limit.
  private mutating func double(_ number: UInt32, _ share: Int, to helper: Int32, _ now: Instant) -> Bool {
    let index = Int(number) - 1
    let candidates = rows.sequence(of: origins[index].shares[share].leased).filter {
      !rows[$0].mustNotRepeat && !rows[$0].wasDoubled && !isElsewhereUnknown($0) && !hasCopies($0)
    }
    guard !candidates.isEmpty else { return false }
    if origins[index].shareIndex(of: helper) == nil {
      let free = min(limit(of: index) - origins[index].granted, sessions[Int(helper)].freeConnections)
      guard free > 0 else { return false }
      grant(number, to: helper, connections: min(free, fairPart, candidates.count))
    }
    guard let own = origins[index].shareIndex(of: helper), origins[index].shares[own].target > 0 else { return false }
    var given = 0
    for seq in candidates.prefix(Self.doubledAtOnce) {
      guard sessions[Int(helper)].hasCredit,
        room(for: own, at: index, isUnsafe: false) > 0
      else { break }
      rows[seq].wasDoubled = true
      addCopy(seq, origin: number, length: Int(rows[seq].length), at: helper)
      origins[index].shares[own].isUsed = true
      withDispatch(to: helper) { $0.rows.append(seq) }
      given += 1
    }
    return given > 0
  }

  /// Whether only its holder knows where it is in its redirects.
  private func isElsewhereUnknown(_ seq: UInt64) -> Bool {
    guard !detours.isEmpty, let detour = detours[seq] else { return false }
    return detour.state == nil
  }
}
