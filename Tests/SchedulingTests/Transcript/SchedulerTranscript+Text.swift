import FetchModel
import Scheduling

/// What the scheduler says, in words.
extension SchedulerTranscript {
  private static let fewOrigins = 4

  func text(_ passing: Passing) -> [String] {
    var lines = passing.ends.map(text)
    for origin in passing.givenUp {
      let failure = origin.lastFailure.map { ", the last \($0.name)" } ?? ""
      lines.append(
        "\(name(ofKey: origin.key)) is down: \(origin.failures) failures\(failure); ends rows "
          + ranges(origin.rows.map(\.seq))
      )
    }
    if !passing.lost.isEmpty { lines.append("lost: rows \(ranges(passing.lost.map(\.seq)))") }
    return lines
  }

  func text(_ end: SessionEnd) -> String {
    var text = "session \(end.session) of \(end.agent) is over"
    if end.requeued > 0 { text += ", \(end.requeued) rows queued again" }
    if !end.lost.isEmpty { text += ", lost rows \(ranges(end.lost.map(\.seq)))" }
    return text
  }

  func text(_ dispatch: Dispatch) -> String {
    var parts: [String] = []
    if !dispatch.shares.isEmpty { parts.append("share \(text(dispatch.shares))") }
    if !dispatch.rows.isEmpty { parts.append("rows \(text(rows: dispatch.rows, for: dispatch.session))") }
    for recall in dispatch.recalls { parts.append("give back \(ranges(recall.seqs)) of \(name(of: recall.origin))") }
    return "\(agent(of: dispatch.session)): " + parts.joined(separator: ", ")
  }

  /// Like shares of many origins are one: `a1..a50=1`.
  private func text(_ grants: [ShareGrant]) -> String {
    guard grants.count > Self.fewOrigins else {
      return grants.map { "\(name(of: $0.origin))=\($0.connections)" }.joined(separator: " ")
    }
    let connections = Set(grants.map(\.connections)).sorted()
    return connections.map { number in
      let names = grants.filter { $0.connections == number }.map { name(of: $0.origin) }
      return names.count == 1 ? "\(names[0])=\(number)" : "of \(names.count) origins=\(number)"
    }.joined(separator: " ")
  }

  private func text(rows seqs: [UInt64], for session: UInt64) -> String {
    var groups: [(origin: String, seqs: [UInt64])] = []
    for (seq, ticket) in zip(seqs, scheduler.tickets(of: seqs, now: at(now))) {
      let origin = name(of: ticket.origin)
      if groups.last?.origin == origin {
        groups[groups.count - 1].seqs.append(seq)
      } else {
        groups.append((origin, [seq]))
      }
    }
    let others = peers.filter { peer in
      peer.session != session && scheduler.isKnown(peer.session) && peer.inHand.contains { seqs.contains($0.seq) }
    }
    let suffix = others.isEmpty ? "" : " (also at \(others.map(\.agent).joined(separator: ", ")))"
    guard groups.count <= Self.fewOrigins else { return "\(ranges(seqs.sorted())) of \(groups.count) origins" + suffix }
    return groups.map { ranges($0.seqs) + ($0.origin.isEmpty ? " without origin" : " of \($0.origin)") }
      .joined(separator: ", ") + suffix
  }

  func show() -> String {
    let counts = scheduler.counts
    var parts = [
      "\(counts.queued) queued", "\(counts.leased) leased", "\(counts.deferred) deferred",
      "\(counts.recorded) recorded",
    ]
    if scheduler.isComplete { parts.append("complete") }
    if scheduler.isQuarantined { parts.append("quarantined") }
    if scheduler.isPaused { parts.append("paused") }
    if !scheduler.needsRows { parts.append("wants no rows") }
    if scheduler.parkedOriginCount > 0 { parts.append("\(scheduler.parkedOriginCount) origins parked") }
    if !scheduler.suspendedAgents.isEmpty {
      parts.append("suspended: \(scheduler.suspendedAgents.joined(separator: " "))")
    }
    return parts.joined(separator: ", ")
  }

  mutating func tickets(_ command: inout TranscriptCommand) throws(TranscriptError) -> [String] {
    try command.rows(command.remainingWords()).map { seq in
      let ticket = scheduler.ticket(of: seq, now: at(now))
      var text = "row \(seq): of \(name(of: ticket.origin)), \(ticket.attempts) attempts"
      if ticket.elapsedMilliseconds > 0 { text += ", begun \(ticket.elapsedMilliseconds) ms ago" }
      if let redirect = ticket.redirect { text += ", goes on at \(String(decoding: redirect.url, as: UTF8.self))" }
      return text
    }
  }
}
