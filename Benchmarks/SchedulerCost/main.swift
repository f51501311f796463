import FetchModel
import Glibc
import Scheduling

// What the scheduler alone costs for each row: agents that answer at once, rows of origins in random order, virtual
// time. CPU time of this thread around the scheduler's own calls, for each tenth of the rows.
//
//   SchedulerCost [ROWS [AGENTS [ORIGINS]]]        2,000,000 rows, 100 agents, 10,000 origins if nothing is said

/// Rows, origins and agents, and what is under way between them.
struct Load {
  private static let chunk = 4096
  private static let blockRows = 256

  let rows: Int
  private let keys: [[UInt8]]
  private var scheduler: Scheduler
  private var sessions: [UInt64] = []
  private var blocks: [(session: UInt64, columns: [ResultColumn])] = []
  private var lowered: [(session: UInt64, shares: [ShareGrant])] = []
  private var added = 0
  private var random: UInt64 = 1
  private var now = Instant(nanoseconds: 1_000_000_000)
  /// Seconds in the scheduler.
  private(set) var seconds = 0.0

  init(rows: Int, agents: Int, origins: Int) {
    self.rows = rows
    keys = (0..<origins).map { Array("https://host-number-\($0).example:443".utf8) }
    scheduler = Scheduler(
      Scheduler.Configuration(connectionsPerOrigin: 8, retry: RetryPolicy(), seed: 1),
      now: now
    )
    for agent in 0..<agents {
      let greeting = Greeting(
        instance: Array("agent-\(agent)".utf8),
        name: "agent-\(agent)",
        link: UInt64(agent),
        connections: max(1000, 2 * origins / agents),
        creditRows: 2048,
        creditBytes: 32 << 20
      )
      sessions.append(scheduler.hello(greeting, now: now).session)
    }
  }

  var recorded: Int { Int(scheduler.counts.recorded) }

  /// A turn of a coordinator's loop, a millisecond after the last.
  mutating func step() throws {
    now = now.adding(nanoseconds: 1_000_000)
    let begin = Self.cpuSeconds()
    addRows()
    try report()
    _ = scheduler.tick(now: now)
    let dispatches = scheduler.dispatch(now: now)
    for dispatch in dispatches { _ = scheduler.tickets(of: dispatch.rows, now: now) }
    seconds += Self.cpuSeconds() - begin
    for dispatch in dispatches { answer(dispatch) }
  }

  private mutating func addRows() {
    let end = min(rows, added + Self.chunk)
    while added < end, scheduler.needsRows {
      random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let origin = scheduler.number(of: keys[Int(random >> 33) % keys.count])
      scheduler.add(origin: origin, length: 60, location: 0, mustNotRepeat: false)
      added += 1
    }
    if added == rows { scheduler.endInput() }
  }

  private mutating func report() throws {
    for (session, columns) in blocks {
      var acceptance = Acceptance()
      try scheduler.accept(columns, from: session, now: now, into: &acceptance)
    }
    for (session, shares) in lowered { scheduler.sharesLowered(shares, by: session) }
    if now.nanoseconds.isMultiple(of: 1_000_000_000) {
      for session in sessions { _ = scheduler.beat(session, now: now) }
    }
    blocks = []
    lowered = []
  }

  private mutating func answer(_ dispatch: Dispatch) {
    let shares = dispatch.shares.filter { $0.connections == 0 }
    if !shares.isEmpty { lowered.append((dispatch.session, shares)) }
    for start in stride(from: 0, to: dispatch.rows.count, by: Self.blockRows) {
      let seqs = dispatch.rows[start..<min(start + Self.blockRows, dispatch.rows.count)]
      blocks.append((dispatch.session, seqs.map(Self.column(seq:))))
    }
  }

  private static func column(seq: UInt64) -> ResultColumn {
    ResultColumn(
      seq: seq,
      bodyBytes: 100,
      totalMicroseconds: 900,
      lineLength: 300,
      status: 200,
      failure: nil,
      attempts: 1
    )
  }

  private static func cpuSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}

func measure(_ numbers: [Int]) throws {
  var load = Load(rows: numbers[0], agents: numbers[1], origins: numbers[2])
  var last = (rows: 0, seconds: 0.0)
  while load.recorded < load.rows {
    try load.step()
    guard load.recorded - last.rows >= load.rows / 10 else { continue }
    let cost = (load.seconds - last.seconds) / Double(load.recorded - last.rows) * 1e6
    print("\(load.recorded) rows: \(Double(Int(cost * 1000)) / 1000) us CPU for each")
    last = (load.recorded, load.seconds)
  }
}

let given = CommandLine.arguments.dropFirst().map { Int($0) ?? 0 }
let numbers = given + [2_000_000, 100, 10_000].dropFirst(given.count)
guard numbers.count == 3, numbers.allSatisfy({ $0 > 0 }) else {
  print("usage: SchedulerCost [ROWS [AGENTS [ORIGINS]]]")
  exit(64)
}
try measure(numbers)
