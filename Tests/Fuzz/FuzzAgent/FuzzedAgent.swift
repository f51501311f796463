import AgentRuntime
import FetchModel
import FuzzSupport
import Scheduling
import WireProtocol

/// What an agent does with messages, without sockets and workers: the same checks in the same order, and the same
/// values behind them.
struct FuzzedAgent {
  private let workers: Int
  private var session = AgentSession(nonce: 1)
  private var spread: OriginSpread
  private var outbox = Outbox<RowBlock>()
  private var job: [UInt8] = []
  private var now = Instant(nanoseconds: 1_000_000_000)
  private var nonce: UInt64 = 0

  init(workers: Int) {
    self.workers = workers
    spread = OriginSpread(workers: workers)
    advance(milliseconds: 0)
  }

  // MARK: What happens besides messages

  mutating func advance(milliseconds: UInt64) {
    now = now.adding(nanoseconds: milliseconds * 1_000_000)
    perform(session.tick(now: now))
  }

  /// A worker has closed connections.
  mutating func lower(origin: UInt32, worker: Int, to connections: Int) {
    _ = spread.lowered(origin: origin, worker: worker % workers, to: connections)
  }

  private mutating func perform(_ actions: [AgentSession.Action], after welcome: WireWelcome? = nil) {
    for action in actions {
      switch action {
      case .collect: perform(session.collected(now: now))
      case .sendHello(let number): nonce = number
      case .begin(_, let isNewJob):
        // Perhaps over already: a welcome may come when the lease that it gives has run out.
        guard let welcome else { fatalError("a session begins without a welcome") }
        begin(welcome, isNewJob: isNewJob)
      case .lease(let end):
        require(end <= now.adding(nanoseconds: 10_000_000_000), "a lease is longer than ten seconds from now")
      case .sendBeat, .refused, .takeNewInstance, .sendDraining, .sendGoodbye: break
      }
    }
  }

  private mutating func begin(_ welcome: WireWelcome, isNewJob: Bool) {
    if isNewJob {
      guard (try? JobSpecification(welcome.specification)) != nil else { return }
      job = Array(welcome.job)
      spread.forgetAll()
      outbox = Outbox()
    } else {
      var numbers: [UInt32: UInt32] = [:]
      for entry in welcome.renumbered { numbers[entry.held] = entry.origin }
      spread.renumber(numbers)
      outbox.beginSession()
    }
  }

  // MARK: Messages

  mutating func receive(_ frames: [[UInt8]]) {
    guard let control = frames.first,
      let (identifier, sequence, epoch, body) = try? Envelope.decodeFromCoordinator(control)
    else { return }
    switch body {
    case .welcome(let welcome): take(welcome, identifier, epoch)
    case .helloAgain(let answer):
      perform(session.unknown(session: identifier, epoch: epoch, isSuperseded: answer.isSuperseded))
    case .refusal(let refusal):
      perform(session.refused(reason: refusal.reason, isTemporary: refusal.isTemporary, now: now))
    case .beatEcho, .work, .acknowledgement, .rowRecall, .jobEnd, .drain:
      guard session.isCurrent(session: identifier, epoch: epoch) else { return }
      switch session.admit(sequence) {
      case .next: take(body, frames.dropFirst())
      case .repeated: break
      case .gap: perform(session.lostMessage())
      }
    }
  }

  /// The same, but it is made an answer to the last hello, or the next message of the session.
  mutating func receiveInOrder(_ frames: [[UInt8]]) {
    guard let control = frames.first, let (identifier, _, epoch, body) = try? Envelope.decodeFromCoordinator(control)
    else { return }
    switch body {
    case .welcome(var welcome):
      welcome.nonce = nonce
      take(welcome, identifier, epoch)
    case .work(var work):
      work.job = WireProtocol.bytes(job)
      take(.work(work), frames.dropFirst())
    case .helloAgain, .refusal, .beatEcho, .acknowledgement, .rowRecall, .jobEnd, .drain:
      take(body, frames.dropFirst())
    }
  }

  private mutating func take(_ welcome: WireWelcome, _ identifier: UInt64, _ epoch: UInt64) {
    guard welcome.job.count == 16 else { return }
    let actions = session.welcomed(
      nonce: welcome.nonce,
      session: identifier,
      epoch: epoch,
      job: Array(welcome.job),
      now: now
    )
    perform(actions, after: welcome)
  }

  private mutating func take(_ body: WireCoordinatorMessage.OneOf_Body, _ bulk: ArraySlice<[UInt8]>) {
    switch body {
    case .beatEcho(let echo): perform(session.echoed(stamp: Instant(nanoseconds: echo.stampNs), now: now))
    case .work(let work):
      for share in work.shares { check(spread.setShare(of: share.origin, to: Int(share.connections))) }
      guard work.rows > 0, Array(work.job) == job else { return }
      do throws(FrameError) {
        try takeRows(bulk.first ?? [], count: Int(work.rows))
      } catch {
        perform(session.lostMessage())
      }
    case .acknowledgement(let acknowledgement): _ = outbox.acknowledged(upTo: acknowledgement.block)
    case .rowRecall(let recall):
      do throws(FrameError) {
        _ = try SeqFrame.decode(bulk.first ?? [], count: Int(recall.rows))
        require(spread.workers(of: recall.origin).allSatisfy((0..<workers).contains), "a worker that is not there")
      } catch {
        perform(session.lostMessage())
      }
    case .welcome, .helloAgain, .refusal, .jobEnd, .drain: break
    }
  }

  private func check(_ instructions: [OriginSpread.Instruction]) {
    for instruction in instructions {
      require(
        (0..<workers).contains(instruction.worker) && instruction.connections >= 0,
        "worker \(instruction.worker) gets \(instruction.connections) connections"
      )
    }
  }

  /// Each row is one that a worker can take apart; it gives it back.
  private mutating func takeRows(_ frame: [UInt8], count: Int) throws(FrameError) {
    let rows = try RowFrame.decode(frame, count: count)
    require(rows.count == count, "more or fewer rows than announced")
    var request = RowRequest()
    var returned: [UInt8] = []
    for row in rows {
      require((0..<workers).contains(spread.worker(for: row.origin, seq: row.seq)), "a worker that is not there")
      _ = try? request.parse(frame.span.extracting(row.line))
      if let redirect = row.redirect { _ = try RedirectFrame.decode(Array(frame[redirect])) }
      let deferral = Deferral(
        seq: row.seq,
        cause: .notStarted,
        failure: nil,
        status: 0,
        attempts: row.attempts,
        retryAfterMilliseconds: 0,
        redirect: nil
      )
      DeferralFrame.append(deferral, to: &returned)
    }
    outbox.add(.deferrals(frame: returned, rows: rows.count))
    _ = outbox.takeUnsent()
    require(outbox.seqs.suffix(rows.count) == rows.map(\.seq)[...], "the outbox has other rows")
  }
}
