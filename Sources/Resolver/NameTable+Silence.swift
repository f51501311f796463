// Whether any server lives. Silence begins with a question, or with the last reply if questions are left on their way.
// A probe then asks each server for what any server answers, so that a name nobody answers for can be told from servers
// that are gone. Servers that live end each silence within a probe and its reply; one that is longer is theirs, not the
// name's: whoever was asked for before it was over is to be asked for again.
//
// A probe tells as well that one server of several is deaf: it is left out then, as long as others are not.

package import FetchModel

/// What is known about servers that say nothing.
struct Silence {
  /// When something was heard last or, if nothing was on its way then, when the next question left. Not nil while any
  /// question is on its way.
  private(set) var since: Instant?
  private(set) var lastProbeAt: Instant?
  /// Whether a probe has left since the silence began.
  private(set) var hasProbed = false
  /// Probes on their way, by server.
  private var openProbes: [Int: Int] = [:]
  /// Servers that have said nothing since they were probed, with the first and the last time of that.
  private(set) var unheard: [Int: (first: Instant, last: Instant)] = [:]
  private(set) var heardAt: [Int: Instant] = [:]
  /// Questions for which all servers were unreachable; a probe says whether they really are.
  var suspects: [UInt64] = []
  /// Why servers are unreachable, and until when none is asked for that reason.
  private(set) var obstacle: String?
  private(set) var outageEnd: Instant?

  var isOutage: Bool { outageEnd != nil }

  mutating func questionLeft(_ now: Instant) { if since == nil { since = now } }

  mutating func end(by server: Int, _ now: Instant) {
    heardAt[server] = now
    unheard[server] = nil
    since = nil
    hasProbed = false
    outageEnd = nil
    obstacle = nil
  }

  /// With other servers; if the ones before said nothing, probes go on with these.
  mutating func startAnew(_ now: Instant) {
    let wasSilent = since != nil
    self = Silence()
    if wasSilent { since = now }
  }

  mutating func beginOutage(until end: Instant, _ text: String, now: Instant) {
    if since == nil { since = now }
    outageEnd = end
    obstacle = text
  }

  /// Of that alone it is not told whether any server lives: the silence of all has its own round of probes.
  mutating func probeLeft(to server: Int, _ now: Instant) {
    openProbes[server, default: 0] += 1
    unheard[server] = (unheard[server]?.first ?? now, now)
  }

  /// A round of probes, be it of none.
  mutating func probesWait(_ now: Instant) { (lastProbeAt, hasProbed) = (now, true) }

  mutating func probeEnded(at server: Int) {
    let left = (openProbes[server] ?? 0) - 1
    openProbes[server] = left > 0 ? left : nil
  }

  func isProbing(_ server: Int) -> Bool { openProbes[server] != nil }

  var isProbing: Bool { !openProbes.isEmpty }
}

extension NameTable {
  /// When a silence will have been too long; nil if there is none.
  var silenceDueAt: Instant? { silence.since.map { $0 + limits.longestSilence } }

  /// Whether servers have said something within the time of a try, or have not been asked for as long.
  func isHearing(now: Instant) -> Bool { silence.since.map { now < $0 + limits.tryTimeout } ?? true }

  /// What tells whether servers live.
  var pulse: Pulse {
    Pulse(
      lastHeardAt: lastHeardAt,
      silentSince: silence.since,
      recoveredAt: recoveredAt,
      fresh: limits.probeDelay,
      longest: limits.longestSilence
    )
  }

  /// The same for those that ask.
  package var sharedPulse: Pulse {
    var pulse = pulse
    pulse.waitingSince = line.earliest
    return pulse
  }

  /// A server said something.
  mutating func heard(_ server: Int, now: Instant) {
    if let due = silenceDueAt, due <= now { recoveredAt = now + limits.recovery }
    lastHeardAt = now
    silence.end(by: server, now)
  }

  /// After a reply was dealt with: those that are still on their way are waited for anew.
  mutating func listenOn(now: Instant) {
    judgeOverdue(now: now)
    if !running.isEmpty { silence.questionLeft(now) }
  }

  /// Look-ups whose time was over when it was unclear whether servers live.
  mutating func judgeOverdue(now: Instant) {
    var numbers: [UInt64] = []
    swap(&numbers, &overdue)
    for number in numbers { timeOut(number, now: now) }
  }

  /// A server replied to a probe, or did not.
  package mutating func probeReplied(server: Int, _ reply: ServerReply, now: Instant) {
    silence.probeEnded(at: server)
    if reply.isHeard { heard(server, now: now) }
    if reply.isHeard || !silence.isProbing { judgeSuspects(serversLive: reply.isHeard, now: now) }
    if reply.isHeard { listenOn(now: now) }
    launch(now: now)
  }

  /// All servers were unreachable for a question: for this one only (its answer needs TCP), or altogether?
  mutating func suspect(_ number: UInt64, now: Instant) {
    silence.suspects.append(number)
    for server in servers.indices { probeUnlessProbing(server, now: now) }
  }

  /// After a server was unreachable for one question. If others are with it, their refusals may have been lost: a send
  /// takes the error that an earlier one has caused, and the library gives that to the wrong question.
  mutating func probeUnlessProbing(_ server: Int, now: Instant) {
    if silence.isProbing(server) { return }
    silence.probesWait(now)
    probe(server, now: now)
  }

  mutating func probeIfDue(now: Instant) {
    guard let due = probeDueAt, due <= now else { return }
    // In a new silence a server that has not even answered the last probe is not the one that ended the silence before.
    let isFirst = !silence.hasProbed
    silence.probesWait(now)
    for server in servers.indices where !isFirst || silence.unheard[server] == nil { probe(server, now: now) }
  }

  var probeDueAt: Instant? {
    guard let since = silence.since else { return nil }
    guard silence.hasProbed, let last = silence.lastProbeAt else { return since + limits.probeDelay }
    return last + limits.probeInterval
  }

  /// Whether a server has not even answered a probe within a try: while others do, it is not asked.
  func isDeaf(_ server: Int, now: Instant) -> Bool {
    if silence.unheard.isEmpty { return false }
    return silence.unheard[server].map { $0.first + limits.tryTimeout <= now } ?? false
  }

  /// Servers that have said nothing since a question went to them, a try ago, are probed.
  mutating func suspectDeafness(of question: Question, now: Instant) {
    for server in servers.indices where question.isOpen(server) && silence.unheard[server] == nil {
      if silence.heardAt[server].map({ $0 <= question.lastAskedAt }) ?? true { probe(server, now: now) }
    }
  }

  /// Those that are deaf while others are not are probed now and then: they may be back.
  mutating func probeDeaf(now: Instant) {
    if silence.unheard.isEmpty || silence.unheard.count == servers.count { return }
    for server in servers.indices {
      if let last = silence.unheard[server]?.last, last + limits.deafInterval <= now { probe(server, now: now) }
    }
  }

  private mutating func probe(_ server: Int, now: Instant) {
    silence.probeLeft(to: server, now)
    actions.append(.probe(server: server))
  }

  private mutating func judgeSuspects(serversLive: Bool, now: Instant) {
    var suspects: [UInt64] = []
    swap(&suspects, &silence.suspects)
    for number in suspects {
      guard let question = running[number] else { continue }
      let text = question.obstacle ?? "unreachable"
      if serversLive {
        finish(number, .failed("the answer could not be fetched: \(text)"), for: limits.failureLifetime, now: now)
      } else {
        let end = now + limits.outage
        silence.beginOutage(until: end, text, now: now)
        finish(number, .unavailable(unavailableText), until: end, now: now)
      }
    }
  }
}
