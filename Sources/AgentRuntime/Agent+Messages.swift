import FetchClient
import FetchModel
import Logging
import PosixIO
import Scheduling
import WireProtocol
import ZeroMQ

/// What the coordinator says.
extension Agent {
  mutating func receiveAll() throws {
    // Bounded, so that reports and beats get their turn.
    for _ in 0..<64 {
      switch try socket.receive() {
      case .message(let frames): try receive(frames)
      case .tooManyFrames: log.warning("message of too many frames dropped")
      case .wouldBlock, .terminated: return
      }
    }
  }

  private mutating func receive(_ frames: [[UInt8]]) throws {
    guard let control = frames.first,
      let (identifier, sequence, epoch, body) = try? Envelope.decodeFromCoordinator(control)
    else { return log.warning("message dropped that is not of this protocol") }
    let now = Clock.bootTime()
    switch body {
    case .welcome(let welcome):
      guard welcome.job.count == 16 else { return log.warning("a welcome to no job is dropped") }
      let actions = session.welcomed(
        nonce: welcome.nonce,
        session: identifier,
        epoch: epoch,
        job: Array(welcome.job),
        now: now
      )
      try perform(actions, after: welcome)
    case .helloAgain(let answer):
      // Perhaps its coordinator, started again.
      if session.session == identifier { servedAt = now }
      try perform(session.unknown(session: identifier, epoch: epoch, isSuperseded: answer.isSuperseded))
    case .refusal(let refusal):
      try perform(session.refused(reason: refusal.reason, isTemporary: refusal.isTemporary, now: now))
    case .beatEcho, .work, .acknowledgement, .rowRecall, .jobEnd, .drain:
      // Left over from a session that is over.
      guard session.isCurrent(session: identifier, epoch: epoch) else { return }
      servedAt = now
      switch session.admit(sequence) {
      case .next: try receive(body, bulk: frames.dropFirst(), now)
      case .repeated: break
      case .gap:
        log.warning("a message of the coordinator is missing, so the session is given up")
        try perform(session.lostMessage())
      }
    }
  }

  /// Messages of the current session, in order.
  private mutating func receive(
    _ body: WireCoordinatorMessage.OneOf_Body,
    bulk: ArraySlice<[UInt8]>,
    _ now: Instant
  ) throws {
    switch body {
    case .beatEcho(let echo):
      let stamp = Instant(nanoseconds: echo.stampNs)
      departure?.echoed(stamp: stamp)
      try perform(session.echoed(stamp: stamp, now: now))
    case .work(let work):
      apply(work.shares)
      guard work.rows > 0, Array(work.job) == job?.identifier else { return }
      do {
        try spreadRows(bulk.first ?? [], count: Int(work.rows))
      } catch {
        // Its rows would be held and never reported.
        log.error("work of this session is not readable, so it is given up: \(error)")
        try perform(session.lostMessage())
      }
    case .acknowledgement(let acknowledgement):
      admission.addUnacknowledged(-outbox.acknowledged(upTo: acknowledgement.block))
    case .rowRecall(let recall):
      do {
        let seqs = try SeqFrame.decode(bulk.first ?? [], count: Int(recall.rows))
        let command = WorkerCommand.recall(origin: recall.origin, seqs: seqs)
        for worker in spread.workers(of: recall.origin) { workers[worker].send(command) }
      } catch {
        log.error("rows are asked back in a way that is not readable, so the session is given up: \(error)")
        try perform(session.lostMessage())
      }
    case .jobEnd:
      finishedWorkers = 0
      for worker in workers { worker.send(.finish) }
    case .drain: for worker in workers { worker.send(.drain) }
    case .welcome, .helloAgain, .refusal: break
    }
  }

  private mutating func apply(_ shares: [WireShare]) {
    for share in shares { tell(spread.setShare(of: share.origin, to: Int(share.connections)), of: share.origin) }
  }

  func tell(_ instructions: [OriginSpread.Instruction], of origin: UInt32) {
    for instruction in instructions {
      workers[instruction.worker].send(.share(origin: origin, connections: instruction.connections))
    }
  }

  private mutating func spreadRows(_ frame: [UInt8], count: Int) throws(FrameError) {
    let rows = try RowFrame.decode(frame, count: count)
    if workers.count == 1 { return give(RowBatch(bytes: frame, rows: rows), to: 0) }
    var parts: [[FramedRow]] = Array(repeating: [], count: workers.count)
    for row in rows { parts[spread.worker(for: row.origin, seq: row.seq)].append(row) }
    for (worker, part) in parts.enumerated() where !part.isEmpty {
      give(RowBatch(bytes: frame, rows: part), to: worker)
    }
  }

  private mutating func give(_ batch: RowBatch, to worker: Int) {
    rowsInHand[worker] += batch.rows.count
    workers[worker].send(.rows(batch))
  }
}
