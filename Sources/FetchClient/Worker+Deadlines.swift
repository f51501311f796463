import FetchModel

/// Time limits of connections that carry an attempt, and of those that rest.
extension Worker {
  func setDeadline(_ connection: Connection, _ instant: Instant, _ code: FailureCode) {
    connection.deadline = instant
    connection.deadlineCode = code
    earliestDeadline = min(earliestDeadline, instant)
  }

  func expireDeadlines() {
    earliestDeadline = .distantFuture
    // By index: what expires may open and close connections.
    for slot in connections.indices {
      guard let connection = connections[slot] else { continue }
      if now >= connection.deadline { expired(connection) }
    }
    for connection in connections {
      if let connection { earliestDeadline = min(earliestDeadline, connection.deadline) }
    }
  }

  /// A connection's deadline has passed.
  private func expired(_ connection: Connection) {
    guard let job else { return }
    if connection.state == .idle { return close(connection) }
    guard let stage = connection.stage else { return }
    if stage.isTransfer, now >= connection.attempt.speed.dueAt(job.limits) {
      if connection.attempt.speed.isTooSlow(at: now, job.limits) {
        let limit = job.limits.lowSpeedBytesPerSecond
        let message = "\(hostName(connection)): fewer than \(limit) bytes a second"
        return fail(connection, FetchFailure(.tooSlow, in: stage.failurePhase, message))
      }
      renewDeadline(connection, stage, job)
      if now < connection.deadline { return }
    }
    if stage == .connecting {
      // It may have been the race's next attempt that was due, and no limit at all.
      runRace(connection, job)
      if connection.state != .connecting || now < connection.deadline { return }
      passOver(connection)
    }
    if stage == .resolving, resolvingExpired(connection) { return }
    if stage == .awaitingMemory, connection.attempt.method.isIdempotent { return returnForMemory(connection) }
    // What a redirect sends besides took too long, but there is time left for where it leads.
    if now >= connection.attempt.drainsUntil, !isOutOfTime(connection) { return leave(connection) }
    let since = connection.deadlineCode == .timeoutTotal ? connection.attempt.startedAt : connection.stageStart
    fail(
      connection,
      FailureMapping.timeout(
        connection.deadlineCode,
        in: stage,
        after: now.nanoseconds(since: since),
        host: hostName(connection),
        detail: detail(of: stage, connection)
      )
    )
  }

  private func detail(of stage: Stage, _ connection: Connection) -> String {
    switch stage {
    case .connecting: (connection.goal == .proxy ? "proxy " : "") + connection.race.report
    case .awaitingMemory: "decoders of all other bodies have it"
    default: ""
    }
  }

  private func isOutOfTime(_ connection: Connection) -> Bool {
    now >= connection.attempt.startedAt.adding(nanoseconds: connection.attempt.total)
  }

  func renewDeadline(_ connection: Connection, _ stage: Stage, _ job: WorkerJob) {
    let deadline = Deadline(
      stage: stage,
      attemptStart: connection.attempt.startedAt,
      stageStart: stage.isDialing ? connection.openedAt : connection.stageStart,
      total: connection.attempt.total,
      limits: job.limits
    )
    let speed = stage.isTransfer ? connection.attempt.speed.dueAt(job.limits) : .distantFuture
    let attempt = stage == .connecting ? connection.race.nextDueAt : .distantFuture
    setDeadline(connection, min(deadline.instant, speed, connection.attempt.drainsUntil, attempt), deadline.code)
  }
}

extension Connection {
  /// Where its attempt stands; nil if it has none.
  var stage: Stage? {
    switch state {
    case .resolving: .resolving
    case .connecting: .connecting
    case .tunneling: .tunneling
    case .handshaking: .handshaking
    case .sending where held != nil, .receiving where held != nil:
      held?.lacksMemory == true ? .awaitingMemory : .decoding
    case .sending: .sending
    case .receiving:
      attempt.hasHead ? .receivingBody : attempt.firstByteAt == .zero ? .awaitingHead : .receivingHead
    case .idle, .closed: nil
    }
  }
}
