// Theory of operation
//
// The whole logic of the resolver: what is known about names, who waits for what, which questions are with which name
// server, and whether any server lives. Asks, replies and the time go in, actions come out; no socket, no clock.
//
// A name has one record with what is known of its IPv4 and its IPv6 addresses. Each family is one question, asked once
// however many wait for it. A question waits in a queue until fewer than the limit are on their way, then goes to the
// preferred server; if that one fails, or says nothing for a while, the next is asked as well, and the first real
// answer counts. Without one, a failure counts as soon as the others have said nothing for a while. The time of a
// look-up runs from when its question left. One that gets no answer for a while leaves its place to others, as long as
// servers say anything: there are names that nobody answers for, and many at a time.
//
// All patience is of constant length, one length a queue, so each queue is in order by itself: nothing is sorted, and
// an ask costs the same with ten names as with a hundred thousand. Only what expires is kept in a heap.
//
// The parts: NameTable+Questions (on their way), NameTable+Answers (what askers get), NameTable+Cache (room and
// expiry), NameTable+Silence (whether servers live), WaitingLine (who has not been asked for yet).

import DequeModule
package import FetchModel
import HeapModule
package import PosixIO

package struct NameTable {
  package enum Action: Equatable, Sendable {
    /// Ask a server; its reply, or that there is none, is awaited.
    case send(question: UInt64, name: String, family: SocketAddress.Family, server: Int)
    /// Ask a server whatever any server answers; awaited, too.
    case probe(server: Int)
    /// Addresses are in the server's order, those of IPv6 first.
    case deliver(asker: UInt64, ResolverAnswer)
  }

  package private(set) var counters = ResolverCounters()
  /// When a server last said anything.
  package internal(set) var lastHeardAt: Instant?
  /// When they had time to catch up, after they had said nothing for too long.
  var recoveredAt: Instant?
  /// What stands here is not asked for.
  package var hosts = HostsFile()

  let limits: Limits
  var servers: [String]
  /// The server that new questions go to first.
  var preferred = 0

  var records: [NameRecord?] = []
  var freePlaces: [Int] = []
  var places: [String: Int] = [:]
  var expiries = Heap<Expiry>()
  private var lastSerial: UInt64 = 0

  var waiting = Deque<QuestionKey>()
  /// Since when they wait.
  var line = WaitingLine()
  var running: [UInt64: Question] = [:]
  var lastQuestion: UInt64 = 0
  /// How many of them have been on their way for a whole try.
  var quietCount = 0
  /// When look-ups time out, when another server is asked, when questions leave their places to others, when askers get
  /// what there is: each in order of time.
  var lookupEnds = Deque<Due<UInt64>>()
  var nextTries = Deque<Due<UInt64>>()
  var quietStarts = Deque<Due<UInt64>>()
  var delayEnds = Deque<Due<RecordKey>>()

  var silence = Silence()
  /// Look-ups whose time is over while it is unclear whether servers live.
  var overdue: [UInt64] = []

  var actions: [Action] = []

  /// `servers`: as they are named in messages, 1 to 64.
  package init(servers: [String], limits: Limits = Limits()) {
    precondition(1...ServerList.longest ~= servers.count, "a table of names without a server, or with too many")
    self.servers = servers
    self.limits = limits
  }

  /// Somebody wants the addresses of a name. `family`: 4, 6 or 0 for both.
  /// `askedAt`: when it began to want them.
  package mutating func ask(_ asker: UInt64, name: String, family: UInt8, askedAt: Instant? = nil, now: Instant) {
    if let entry = hosts.entry(for: name) {
      counters.hits += 1
      return answer(asker, from: entry, family: family, now: now)
    }
    forgetExpired(now: now)
    let key = key(of: name)
    var waiter = Waiter(id: asker, family: family)
    var isNew = false
    var record = take(key)
    for family in waiter.families where !record[family].isPending {
      if let known = record[family].known, now < known.expiresAt {
        waiter[family] = known
      } else {
        isNew = true
        record[family].isPending = true
        waiting.append(QuestionKey(record: key, family: family))
        line.come(askedAt: askedAt ?? now)
      }
    }
    if !isNew { counters.hits += 1 }
    if !settle(&waiter, of: key, now: now) { record.waiters.append(waiter) }
    records[key.place] = record
    if isNew { launch(now: now) }
  }

  /// What there is to do; each is given once, in order.
  package mutating func takeActions() -> [Action] {
    var taken: [Action] = []
    swap(&taken, &actions)
    return taken
  }

  /// Time has come to `now`.
  package mutating func tick(now: Instant) {
    while let first = delayEnds.first, first.at <= now {
      delayEnds.removeFirst()
      endDelay(first.what, now: now)
    }
    while let first = nextTries.first, first.at <= now || running[first.what] == nil {
      nextTries.removeFirst()
      if running[first.what] != nil { tryNextServer(first.what, now: now) }
    }
    while let first = quietStarts.first, first.at <= now || running[first.what] == nil {
      quietStarts.removeFirst()
      becomeQuiet(first.what, now: now)
    }
    while let first = lookupEnds.first, first.at <= now || running[first.what] == nil {
      lookupEnds.removeFirst()
      if running[first.what] != nil { timeOut(first.what, now: now) }
    }
    if let due = silenceDueAt, due <= now { judgeOverdue(now: now) }
    probeIfDue(now: now)
    launch(now: now)
  }

  /// When `tick` has something to do; nil for never.
  package var nextDueAt: Instant? {
    let silenceDueAt = overdue.isEmpty ? nil : silenceDueAt
    return [
      delayEnds.first?.at, nextTries.first?.at, quietStarts.first?.at, lookupEnds.first?.at, probeDueAt, silenceDueAt,
    ].compactMap { $0 }.min()
  }

  /// A record to be changed and put back: left where it is, its arrays would be copied.
  mutating func take(_ key: RecordKey) -> NameRecord {
    guard let record = records[key.place], record.serial == key.serial else {
      preconditionFailure("a record that is in use was dropped")
    }
    records[key.place] = nil
    return record
  }

  mutating func nextSerial() -> UInt64 {
    lastSerial += 1
    return lastSerial
  }

  mutating func countQuery() { counters.queries += 1 }

  mutating func countFailure(_ resolution: Resolution) {
    switch resolution {
    case .addresses: return
    case .notFound, .noAddress, .failed: break
    case .timedOut, .unavailable: counters.timeouts += 1
    }
    counters.failures += 1
  }
}

extension NameTable {
  /// How much, how long.
  package struct Limits: Equatable, Sendable {
    package var lookupTimeout: Duration = .seconds(5)
    /// How long a server may say nothing until the next one is asked as well.
    package var tryTimeout: Duration = .seconds(1)
    /// How long an IPv4 answer waits for that of IPv6; RFC 8305 section 3.
    package var resolutionDelay: Duration = .milliseconds(50)
    /// How many may be on their way, not counting so many that have had no answer for the time of a try.
    package var questions = 1024
    package var quietQuestions = 16 * 1024
    package var names = 200_000
    /// How long it is believed that there is no such name or no such address.
    package var negativeLifetime: Duration = .seconds(10)
    package var failureLifetime: Duration = .seconds(1)
    package var hostsLifetime: Duration = .seconds(60)
    package var longestLifetimeSeconds: UInt32 = 86_400
    /// How long no question is asked after all servers were found unreachable.
    package var outage: Duration = .milliseconds(250)
    /// After a silence that was too long servers find all that has come meanwhile, and have room for little more: for
    /// so long what they are asked may be lost.
    package var recovery: Duration = .seconds(2)
    /// How long nothing is heard until a probe is sent, and how long then until the next.
    package var probeDelay: Duration = .milliseconds(200)
    package var probeInterval: Duration = .seconds(1)
    /// After how long a server that says nothing is probed again while others answer.
    package var deafInterval: Duration = .seconds(5)

    /// How long servers that live may seem silent: until a probe leaves, and then until it is answered.
    package var longestSilence: Duration { probeDelay + tryTimeout }

    package init() {}
  }

  /// Something to be done at a time.
  struct Due<What> {
    let at: Instant
    let what: What
  }
}
