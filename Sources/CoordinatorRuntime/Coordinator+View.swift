import FetchModel
import Scheduling

/// What a person who waits is shown.
extension Coordinator {
  /// Origins that are said to be down by name; a list may hold a million of them.
  private static let namedOrigins = 20

  func showProgress() {
    sayTrouble()
    guard view.isDue(now) else { return }
    view.show(
      ProgressView.Figures(
        counts: scheduler.counts,
        failed: records.failedRows,
        agents: scheduler.sessionCount,
        parkedOrigins: scheduler.parkedOriginCount,
        inputHasEnded: input.hasEnded,
        remainder: scheduler.remainder(now: now)
      ),
      now: now
    )
  }

  /// What stops agents, or all of them, is said once.
  private func sayTrouble() {
    guard stage == .running else { return }
    saySilence()
    if scheduler.isPaused != wasPaused {
      wasPaused = scheduler.isPaused
      let seconds = Int(configuration.job.retry.giveUpAfter.inSeconds.rounded())
      view.say(
        wasPaused
          ? "paused: every agent fails to reach at least four of five origins, so it may be the network; "
            + "trying one request at a time, for at most \(seconds) s"
          : "going on"
      )
    }
    let suspended = scheduler.suspendedAgents
    guard suspended != suspendedAgents else { return }
    for agent in suspended where !suspendedAgents.contains(agent) {
      view.say(
        "agent \(agent) fails to reach at least four of five origins: it gets no more rows until one request gets "
          + "through, and those that failed there are tried elsewhere"
      )
    }
    for agent in suspendedAgents where !suspended.contains(agent) { view.say("agent \(agent) is given rows again") }
    suspendedAgents = suspended
  }

  /// Agents that miss their beats; a job may end before their lease does, and nobody would hear of them.
  private func saySilence() {
    for (session, peer) in peers {
      let isSilent = scheduler.isSilent(session)
      guard isSilent != peer.isSaidSilent else { continue }
      peers[session]?.isSaidSilent = isSilent
      view.say(
        isSilent
          ? "agent \(peer.name) is silent"
            + (peers.count > 1 ? ": others do those of its rows that may be sent twice" : "")
          : "agent \(peer.name) is heard again"
      )
    }
  }

  func sayDown(_ key: [UInt8]) {
    guard downOrigins.count <= Self.namedOrigins, downOrigins.insert(key).inserted else { return }
    if downOrigins.count > Self.namedOrigins {
      view.say("further origins that are down are not named")
    } else {
      view.say("\(String(decoding: key, as: UTF8.self)) is down: its rows are recorded without a try")
    }
  }
}
