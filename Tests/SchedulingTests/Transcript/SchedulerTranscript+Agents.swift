import FetchModel
import Scheduling

/// What agents say.
extension SchedulerTranscript {
  mutating func hear(_ command: inout TranscriptCommand) throws(TranscriptError) -> [String] {
    if command.verb == "hello" { return try hello(&command) }
    let verb = command.verb
    guard Self.verbs.contains(verb) else { throw command.error("unknown command") }
    let index = try peer(command.word("the agent"), command)
    let session = peers[index].session
    switch verb {
    case "beat":
      if scheduler.beat(session, now: at(now)) { return [] }
      return ["no such session" + (scheduler.isSuperseded(session) ? ": another process has begun one" : "")]
    case "accept": return try accept(&command, index)
    case "defer": return try putOff(&command, index)
    case "lowered": try lower(&command, index)
    case "pause":
      let origin = try command.word("the origin")
      guard let milliseconds = command.time("for") else { throw command.error("for how long?") }
      scheduler.pause(peers[index].numbers[origin] ?? 0, milliseconds: milliseconds, from: session, now: at(now))
    case "draining": scheduler.draining(session)
    // Said goodbye, or its process is known to be gone.
    case "gone": return scheduler.end(session).map { [text($0)] } ?? ["no such session"]
    case "fence": return scheduler.fence(session).map { [text($0)] } ?? ["no such session"]
    case "unreachable": scheduler.unreachable(session)
    default:
      let seqs = try rowsInHand(&command, index).map(\.seq)
      scheduler.undelivered(seqs, to: session)
      noteReported(seqs, index)
    }
    return []
  }

  private static let verbs: Set<String> = [
    "beat", "accept", "defer", "lowered", "pause", "draining", "gone", "fence", "unreachable", "undelivered",
  ]

  // MARK: Hello

  /// `copy-of=`: another process under that agent's instance. `holding=a/2/0-3,7`: two connections to a and rows.
  private mutating func hello(_ command: inout TranscriptCommand) throws(TranscriptError) -> [String] {
    let name = try command.word("the agent")
    if !agents.contains(name) { agents.append(name) }
    let copied = command.option("copy-of")
    let greeting = Greeting(
      instance: Self.instance(copied ?? name),
      name: name,
      link: UInt64(agents.firstIndex(of: name) ?? 0),
      connections: try command.number("connections", or: 16),
      creditRows: try command.number("rows", or: 1000),
      creditBytes: try command.number("bytes", or: 1 << 20),
      // Another process has nothing to go on with.
      isContinuing: copied == nil
    )
    var holdings: [Holding] = []
    var inHand: [(seq: UInt64, origin: String)] = []
    while let text = command.option("holding") {
      let (holding, origin) = try self.holding(text, command)
      holdings.append(holding)
      inHand += holding.rows.map { ($0, origin) }
    }
    if let text = command.option("finished") {
      let rows = try command.rows(text.split(separator: ",").map(String.init))
      holdings.append(Holding(origin: 0, key: [], connections: 0, rows: rows))
      inHand += rows.map { ($0, "") }
    }
    let reception = scheduler.hello(greeting, holdings: holdings, now: at(now))
    var output = reception.fenced.map { [text($0)] } ?? []
    output.append("\(name) begins session \(reception.session)")
    var peer = Peer(session: reception.session, agent: name, inHand: inHand)
    for entry in reception.renumbered { peer.numbers[self.name(of: entry.origin)] = entry.origin }
    for index in peers.indices where !scheduler.isKnown(peers[index].session) { peers[index].inHand = [] }
    peers.append(peer)
    return output
  }

  private mutating func holding(_ text: String, _ command: TranscriptCommand) throws(TranscriptError) -> (
    Holding, String
  ) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 3, let connections = Int(parts[1]) else { throw command.error("\(text) is no holding") }
    let rows = try command.rows(parts[2].split(separator: ",").map(String.init))
    let origin = String(parts[0])
    // Agents name origins by the numbers of their old epoch.
    let number = 100 + UInt32(originNames.count)
    return (Holding(origin: number, key: key(origin), connections: connections, rows: rows), origin)
  }

  // MARK: Rows

  /// Rows that a command names, out of what the agent has in hand: by number, `all`, or all `of=` an origin.
  private func rowsInHand(_ command: inout TranscriptCommand, _ index: Int) throws(TranscriptError) -> [(
    seq: UInt64, origin: String
  )] {
    let origins = try command.option("of").map(command.names)
    var taken: [(seq: UInt64, origin: String)]
    if command.has("all") {
      taken = peers[index].inHand.filter { origins?.contains($0.origin) ?? true }
    } else {
      let seqs = try command.rows(command.remainingWords())
      let inHand = peers[index].inHand
      taken = seqs.map { seq in (seq, inHand.first { $0.seq == seq }?.origin ?? "") }
    }
    guard !taken.isEmpty else { throw command.error("no rows") }
    return taken
  }

  private mutating func noteReported(_ seqs: [UInt64], _ index: Int) {
    let seqs = Set(seqs)
    peers[index].inHand.removeAll { seqs.contains($0.seq) }
  }

  private mutating func accept(_ command: inout TranscriptCommand, _ index: Int) throws(TranscriptError) -> [String] {
    let seqs = try rowsInHand(&command, index).map(\.seq)
    let failure = try command.option("failure").map(command.failure)
    let status: UInt16 = try command.number("status", or: failure == nil ? 200 : 0)
    let attempts: UInt8 = try command.number("attempts", or: 1)
    let took: UInt32 = try command.number("took", or: 1)
    let columns = seqs.map { seq in
      ResultColumn(
        seq: seq,
        bodyBytes: 0,
        totalMicroseconds: took * 1000,
        lineLength: 0,
        status: status,
        failure: failure,
        attempts: attempts
      )
    }
    var acceptance = Acceptance()
    do {
      try scheduler.accept(columns, from: peers[index].session, now: at(now), into: &acceptance)
    } catch {
      return [text(error)]
    }
    noteReported(seqs, index)
    let refused = acceptance.refused.map { seqs[$0] }
    return refused.isEmpty ? [] : ["not recorded: \(ranges(refused))"]
  }

  private mutating func putOff(_ command: inout TranscriptCommand, _ index: Int) throws(TranscriptError) -> [String] {
    let isNotStarted = command.has("not-started")
    let isLocalTrouble = command.has("local-trouble")
    let seqs = try rowsInHand(&command, index).map(\.seq)
    let failure = try command.option("failure").map(command.failure)
    let status: UInt16 = try command.number("status", or: 0)
    let target = command.option("redirect")
    if let target { _ = key(target) }
    let cause: Deferral.Cause? =
      if isNotStarted { .notStarted } else if isLocalTrouble { .localTrouble } else if target != nil {
        .redirect
      } else if failure != nil { .failure } else if status != 0 { .status } else { nil }
    guard let cause else { throw command.error("why?") }
    let attempts: UInt16 = try command.number("attempts", or: cause == .failure || cause == .status ? 1 : 0)
    let retryAfter: UInt64 = try command.number("retry-after", or: 0)
    let deferrals = seqs.map { seq in
      Deferral(
        seq: seq,
        cause: cause,
        failure: failure,
        status: status,
        attempts: attempts,
        retryAfterMilliseconds: retryAfter,
        redirect: target.map { redirect(to: $0) }
      )
    }
    do {
      try scheduler.defer(deferrals, from: peers[index].session, now: at(now))
    } catch {
      return [text(error)]
    }
    noteReported(seqs, index)
    return []
  }

  private func text(_ refusal: Refusal) -> String {
    switch refusal {
    case .unknownSession: "refused: no such session"
    case .notLeased(let seq): "refused: row \(seq) is not the session's"
    }
  }

  private mutating func lower(_ command: inout TranscriptCommand, _ index: Int) throws(TranscriptError) {
    var grants: [ShareGrant] = []
    for (names, connections) in command.remainingOptions() {
      guard let connections = Int(connections) else { throw command.error("\(connections) is no number") }
      for name in try command.names(names) {
        guard let number = peers[index].numbers[name] else { throw command.error("it has no share of \(name)") }
        grants.append(ShareGrant(origin: number, connections: connections))
      }
    }
    guard !grants.isEmpty else { throw command.error("no shares") }
    scheduler.sharesLowered(grants, by: peers[index].session)
  }
}
