// Whether any server lives. Silence begins with a question after which nothing is heard. A probe then asks each server
// for what any server answers, so that a name nobody answers for can be told from servers that are gone.

package import FetchModel

/// What is known about servers that say nothing.
struct Silence {
  /// When the first question left since something was heard last.
  private(set) var since: Instant?
  private(set) var lastProbeAt: Instant?
  /// Probes on their way, by server.
  private var openProbes: [Int: Int] = [:]
  /// Questions for which all servers were unreachable; a probe says whether they really are.
  var suspects: [UInt64] = []
  /// Why servers are unreachable, and until when none is asked for that reason.
  private(set) var obstacle: String?
  private(set) var outageEnd: Instant?

  var isOutage: Bool { outageEnd != nil }

  mutating func questionLeft(_ now: Instant) { if since == nil { since = now } }

  mutating func end() {
    since = nil
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

  mutating func probeLeft(to server: Int, _ now: Instant) {
    lastProbeAt = now
    openProbes[server, default: 0] += 1
  }

  mutating func probeEnded(at server: Int) {
    let left = (openProbes[server] ?? 0) - 1
    openProbes[server] = left > 0 ? left : nil
  }

  func isProbing(_ server: Int) -> Bool { openProbes[server] != nil }

  var isProbing: Bool { !openProbes.isEmpty }
}

extension NameTable {
  /// A server said something.
  mutating func heard(now: Instant) {
    lastHeardAt = now
    silence.end()
  }

  /// A server replied to a probe, or did not.
  package mutating func probeReplied(server: Int, _ reply: ServerReply, now: Instant) {
    silence.probeEnded(at: server)
    if reply.isHeard { heard(now: now) }
    if reply.isHeard || !silence.isProbing { judgeSuspects(serversLive: reply.isHeard, now: now) }
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
    if !silence.isProbing(server) { probe(server, now: now) }
  }

  mutating func probeIfDue(now: Instant) {
    guard let due = probeDueAt, due <= now else { return }
    for server in servers.indices { probe(server, now: now) }
  }

  var probeDueAt: Instant? {
    guard let since = silence.since else { return nil }
    let due = since + limits.probeDelay
    guard let last = silence.lastProbeAt else { return due }
    return max(due, last + limits.probeInterval)
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
        finishUnavailable(number, until: end, now: now)
      }
    }
  }

  private mutating func finishUnavailable(_ number: UInt64, until end: Instant, now: Instant) {
    guard let question = running.removeValue(forKey: number) else { return }
    conclude(question.key, .unavailable(unavailableText), until: end, now: now)
  }
}
