// Whether any server lives. Silence begins with a question after which nothing is heard. A probe then asks each server
// for what any server answers, so that a name nobody answers for can be told from servers that are gone.

package import FetchModel

/// What is known about servers that say nothing.
struct Silence {
  /// When the first question left since something was heard last.
  private(set) var since: Instant?
  private(set) var lastProbeAt: Instant?
  var openProbes = 0
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

  mutating func beginOutage(until end: Instant, _ text: String, now: Instant) {
    if since == nil { since = now }
    outageEnd = end
    obstacle = text
  }

  mutating func probeLeft(_ now: Instant, servers: Int) {
    lastProbeAt = now
    openProbes += servers
  }
}

extension NameTable {
  /// A server said something.
  mutating func heard(now: Instant) {
    lastHeardAt = now
    silence.end()
  }

  /// A server replied to a probe, or did not.
  package mutating func probeReplied(_ reply: ServerReply, now: Instant) {
    silence.openProbes -= 1
    if reply.isHeard { heard(now: now) }
    if reply.isHeard || silence.openProbes == 0 { judgeSuspects(serversLive: reply.isHeard, now: now) }
    launch(now: now)
  }

  /// All servers were unreachable for a question: for this one only (its answer needs TCP), or altogether?
  mutating func suspect(_ number: UInt64, now: Instant) {
    silence.suspects.append(number)
    if silence.openProbes == 0 { probe(now: now) }
  }

  mutating func probeIfDue(now: Instant) {
    guard let due = probeDueAt, due <= now else { return }
    probe(now: now)
  }

  var probeDueAt: Instant? {
    guard let since = silence.since else { return nil }
    let due = since + limits.probeDelay
    guard let last = silence.lastProbeAt else { return due }
    return max(due, last + limits.probeInterval)
  }

  private mutating func probe(now: Instant) {
    silence.probeLeft(now, servers: servers.count)
    for server in servers.indices { actions.append(.probe(server: server)) }
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
