import CoordinatorRuntime
import FetchModel
import FuzzSupport
import Records
import Scheduling
import WireProtocol

/// What a coordinator does with messages, without sockets and files: the same checks in the same order, and the same
/// scheduler.
struct FuzzedCoordinator {
  static let job = [UInt8](repeating: 0xA7, count: 16)
  static let instance = [UInt8](repeating: 7, count: 16)
  private static let keys = ["http://a:80", "https://b:443", "http://[::1]:8080"].map { Array($0.utf8) }
  static let rowLimit = 64

  private struct Peer {
    let link: UInt8
    var blocks = BlockLedger()
    var lastBlock: UInt64 = 0
    var incoming = MessageOrder()
  }

  private var scheduler: Scheduler
  private var peers: [UInt64: Peer] = [:]
  private var now = Instant(nanoseconds: 1_000_000_000)
  /// Rows with a record.
  private var recorded = Set<UInt64>()
  private var addedRows = 0

  init(isContinued: Bool) {
    scheduler = Scheduler(
      Scheduler.Configuration(connectionsPerOrigin: 4, retry: RetryPolicy(), seed: 1),
      awaited: isContinued ? [Self.instance] : nil,
      now: now
    )
  }

  // MARK: What happens besides messages

  mutating func addRows(_ count: Int) {
    for _ in 0..<count where addedRows < Self.rowLimit {
      let kind = addedRows % 8
      let origin = kind == 7 ? 0 : scheduler.number(of: Self.keys[kind % Self.keys.count])
      let isUnsafe = kind == 2 || kind == 5
      let intake = scheduler.add(
        origin: origin,
        length: 40,
        location: UInt64(addedRows),
        mustNotRepeat: isUnsafe,
        leftTo: isUnsafe && kind == 5 ? Self.instance : nil
      )
      addedRows += 1
      switch intake {
      case .taken: break
      case .recorded(let seq): require(recorded.contains(seq), "row \(seq) counts as recorded, but has no record")
      case .lost(let row): record(row)
      }
    }
    if addedRows == Self.rowLimit { scheduler.endInput() }
  }

  mutating func advance(milliseconds: UInt64) {
    now = now.adding(nanoseconds: milliseconds * 1_000_000)
    let passing = scheduler.tick(now: now)
    end(passing.ends)
    for row in passing.givenUp.flatMap(\.rows) + passing.lost { record(row) }
    for dispatch in scheduler.dispatch(now: now) {
      require(peers[dispatch.session] != nil, "a session that is over gets work")
      let unsafe = dispatch.rows.filter { scheduler.mustNotRepeat($0) }
      scheduler.holdBack(unsafe)
      for ticket in scheduler.tickets(of: scheduler.letGo(unsafe, to: dispatch.session), now: now) {
        require(ticket.mustNotRepeat, "an unsafe row travels as another")
      }
    }
  }

  /// What must hold after everything that can happen.
  func audit() {
    if let fault = scheduler.audit() { fatalError(fault) }
    let read = UInt64(recorded.count { $0 < scheduler.nextSeq })
    let counted = scheduler.counts.recorded
    require(counted == read, "\(read) rows have a record, but \(counted) are counted")
  }

  // MARK: Messages

  /// A message as it came from one of some connections.
  mutating func receive(_ frames: [[UInt8]], over link: UInt8) {
    guard let control = frames.first,
      let (session, sequence, body) = try? Envelope.decodeFromAgent(control)
    else { return }
    if case .hello(let hello) = body { return greet(hello, over: link) }
    guard scheduler.isKnown(session), peers[session]?.link == link else { return }
    switch peers[session]?.incoming.admit(sequence) {
    case .next: take(body, frames.dropFirst(), from: session)
    case .repeated, nil: break
    case .gap: fence(session)
    }
  }

  /// The same, but it is made the next one of that connection's session, so that what is in it is looked at.
  mutating func receiveInOrder(_ frames: [[UInt8]], over link: UInt8) {
    guard let control = frames.first, let (_, _, body) = try? Envelope.decodeFromAgent(control) else { return }
    let session = peers.filter { $0.value.link == link && scheduler.isKnown($0.key) }.keys.max()
    switch body {
    case .hello(var hello):
      hello.job = bytes(Self.job)
      greet(hello, over: link)
    case .results(var results):
      guard let session, let peer = peers[session] else { return }
      results.job = bytes(Self.job)
      results.block = peer.lastBlock + 1
      take(.results(results), frames.dropFirst(), from: session)
    case .deferrals(var deferrals):
      guard let session, let peer = peers[session] else { return }
      deferrals.job = bytes(Self.job)
      deferrals.block = peer.lastBlock + 1
      take(.deferrals(deferrals), frames.dropFirst(), from: session)
    case .beat, .sharesLowered, .draining, .originPauses, .jobReport, .goodbye:
      if let session { take(body, frames.dropFirst(), from: session) }
    }
  }

  private mutating func greet(_ hello: WireHello, over link: UInt8) {
    guard ProtocolVersion.agreed(minimum: hello.minimumVersion, maximum: hello.maximumVersion) != nil,
      HeldCheck.isComplete(hello), let held = HeldCheck.holdings(hello, of: Self.job)
    else { return }
    let greeting = Greeting(
      instance: Array(hello.instance),
      name: hello.name,
      link: UInt64(link),
      connections: Int(hello.connections),
      creditRows: Int(hello.creditRows),
      creditBytes: Int(clamping: hello.creditBytes),
      isContinuing: hello.isContinuing && Array(hello.job) == Self.job
    )
    let reception = scheduler.hello(greeting, holdings: held, now: now)
    if let fenced = reception.fenced { end([fenced]) }
    peers[reception.session] = Peer(link: link)
  }

  private mutating func take(_ body: WireAgentMessage.OneOf_Body, _ bulk: ArraySlice<[UInt8]>, from session: UInt64) {
    switch body {
    case .hello, .jobReport: break
    case .beat: _ = scheduler.beat(session, now: now)
    case .results(let results): take(results, bulk, from: session)
    case .deferrals(let deferrals): take(deferrals, bulk, from: session)
    case .sharesLowered(let lowered):
      let grants = lowered.shares.map { ShareGrant(origin: $0.origin, connections: Int($0.connections)) }
      scheduler.sharesLowered(grants, by: session)
    case .draining: scheduler.draining(session)
    case .originPauses(let message):
      for pause in message.pauses {
        scheduler.pause(pause.origin, milliseconds: pause.milliseconds, from: session, now: now)
      }
    case .goodbye: if let ended = scheduler.end(session) { end([ended]) }
    }
  }

  private mutating func take(_ results: WireResults, _ bulk: ArraySlice<[UInt8]>, from session: UInt64) {
    guard Array(results.job) == Self.job, peers[session]?.blocks.isNext(results.block) == true,
      let block = try? BlockCheck.results(bulk, count: Int(results.rows))
    else { return fence(session) }
    var acceptance = Acceptance()
    do throws(Refusal) {
      try scheduler.accept(block.columns, from: session, now: now, into: &acceptance)
    } catch {
      return fence(session)
    }
    peers[session]?.blocks.addResults(bytes: block.lines.count)
    peers[session]?.lastBlock = results.block
    record(block.without(acceptance.refused))
  }

  private mutating func take(_ deferrals: WireDeferrals, _ bulk: ArraySlice<[UInt8]>, from session: UInt64) {
    guard Array(deferrals.job) == Self.job, peers[session]?.blocks.isNext(deferrals.block) == true,
      let block = try? BlockCheck.deferrals(bulk, count: Int(deferrals.rows)),
      (try? scheduler.defer(block, from: session, now: now)) != nil
    else { return fence(session) }
    _ = peers[session]?.blocks.addDeferrals()
    peers[session]?.lastBlock = deferrals.block
  }

  private mutating func fence(_ session: UInt64) {
    if let ended = scheduler.fence(session) { end([ended]) }
  }

  // MARK: Records

  private mutating func end(_ ends: [SessionEnd]) {
    for end in ends {
      peers[end.session] = nil
      for row in end.lost { record(row) }
    }
  }

  private mutating func record(_ row: EndedRow) {
    require(recorded.insert(row.seq).inserted, "row \(row.seq) is recorded twice")
  }

  /// What is appended is one whole line for each column, and none of a row that has one.
  private mutating func record(_ block: BlockCheck.Results) {
    let lines = block.lines.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    require(lines.count == block.columns.count + 1 && lines.last?.isEmpty == true, "lines and columns differ")
    for (line, column) in zip(lines, block.columns) {
      require(line.count + 1 == column.lineLength, "a line is not as long as its column says")
      require(line.starts(with: "{\"seq\":\(column.seq),".utf8) && line.last == UInt8(ascii: "}"), "a torn line")
      require(recorded.insert(column.seq).inserted, "row \(column.seq) is recorded twice")
    }
  }
}
