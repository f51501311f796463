/// What must be true of the scheduler's books at every step. Looks at everything: for simulations.
extension Scheduler {
  /// What is wrong, in words; nil if nothing is.
  package func audit() -> String? {
    if counts.submitted != counts.queued + counts.leased + counts.deferred + counts.recorded {
      return "rows are not in one place each: \(counts)"
    }
    var found = RowCounts()
    found.queued = UInt64(homeless.count)
    for session in sessions { found.leased += UInt64(session.homeless.count) }
    for index in origins.indices where isCurrent(UInt32(index + 1)) {
      if let fault = auditOrigin(index, &found) { return fault }
    }
    if found.queued != counts.queued || found.leased != counts.leased {
      return "\(counts), but \(found.queued) rows stand in queues and \(found.leased) in shares"
    }
    for slot in sessions.indices { if let fault = auditSession(slot) { return fault } }
    return nil
  }

  private func auditOrigin(_ index: Int, _ found: inout RowCounts) -> String? {
    let origin = origins[index]
    let name = String(decoding: origin.key, as: UTF8.self)
    var queued = origin.queue.count
    for share in origin.shares {
      queued += share.pinned.count
      found.leased += UInt64(share.leased.count)
      let session = sessions[Int(share.session)]
      if session.standing == .gone { return "\(name): a share of a session that is over" }
      if share.copies < 0 || share.connections < 0 || share.target > share.connections {
        return "\(name): a share of session \(session.identifier) is \(share)"
      }
    }
    if queued != origin.queued { return "\(name): \(queued) rows in its queue, \(origin.queued) counted" }
    if origin.shares.isEmpty, origin.queued > 0, !origin.isUnplaced, origin.health.isOpen, !origin.isGivenUp {
      return "\(name): \(queued) rows that nobody looks for"
    }
    found.queued += UInt64(queued)
    return nil
  }

  private func auditSession(_ slot: Int) -> String? {
    let session = sessions[slot]
    guard session.standing != .gone else { return nil }
    var rows = session.homeless.count + session.copies.count
    var connections = 0
    var coming = 0
    for origin in origins {
      guard let share = origin.shareIndex(of: Int32(slot)) else { continue }
      rows += origin.shares[share].leased.count
      connections += origin.shares[share].connections
      coming += origin.shares[share].connections - origin.shares[share].target
    }
    if connections + session.freeConnections != session.greeting.connections {
      return "session \(session.identifier): \(connections) connections given and \(session.freeConnections) free of "
        + "\(session.greeting.connections)"
    }
    // One that is fenced has no books any more.
    if session.standing != .fenced, coming != session.comingConnections {
      return "session \(session.identifier): \(coming) connections are coming, \(session.comingConnections) counted"
    }
    if session.standing != .fenced, rows != session.outstandingRows {
      return "session \(session.identifier): \(rows) rows in hand, \(session.outstandingRows) counted"
    }
    return nil
  }

  /// What is still remembered when nothing is left to do and nobody is here; nil if nothing is.
  package func leftovers() -> String? {
    if originCount > 0 { return "\(originCount) origins" }
    if !detours.isEmpty || !copies.isEmpty || !early.isEmpty || !unclear.isEmpty || !departed.isEmpty {
      return
        "\(detours.count) detours, \(copies.count) copies, \(early.count) early rows, \(unclear.count) unclear ones"
    }
    if !heldBack.isEmpty { return "\(heldBack.count) rows held back" }
    if sessions.contains(where: { $0.standing != .gone }) { return "sessions" }
    if windowBytes != 0 { return "\(windowBytes) bytes of lines" }
    // The last page of rows stays.
    return rows.pageCount > 1 && rows.live(limit: 1) != [] ? "rows" : nil
  }

  /// Where rows that are left hang, for a person who looks into a simulation that does not end.
  package var standing: String {
    var lines = ["\(counts)" + (isPaused ? ", paused" : "") + (isQuarantined ? ", quarantined" : "")]
    for origin in origins where origin.live > 0 {
      let shares = origin.shares.map { share in
        "\(sessions[Int(share.session)].identifier): \(share.connections) to \(share.target), "
          + "\(share.leased.count) leased, \(share.pinned.count) pinned, \(share.copies) copies"
      }
      lines.append(
        "\(String(decoding: origin.key, as: UTF8.self)) \(origin.health.phase): \(origin.queue.count) queued, "
          + "shares [\(shares.joined(separator: "; "))]" + (origin.isUnplaced ? ", unplaced" : "")
      )
    }
    for session in sessions where session.standing != .gone {
      lines.append(
        "session \(session.identifier) \(session.standing): \(session.freeConnections) connections free, "
          + "\(session.comingConnections) coming, \(session.outstandingRows) rows"
          + (session.trust.isSuspended ? ", suspended" : "") + (session.isAttentive ? "" : ", not attentive")
      )
    }
    return lines.joined(separator: "; ")
  }
}
