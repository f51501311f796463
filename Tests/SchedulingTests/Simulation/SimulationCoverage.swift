/// What the stories have shown so far: a simulation in which something never happens proves nothing of it.
struct SimulationCoverage {
  enum Event: String, CaseIterable {
    case adoption, doubling, downOrigin, drain, earlyResult, fence, growth, heldBack, jobPause, lateResult, loss,
      lowering
    case originPause, processEnd, quarantine, recall, restart, returnOfRecalled, split, stayed, superseded
    case suspension, undelivered
  }

  private(set) var counts: [Event: Int] = [:]

  mutating func note(_ event: Event, _ count: Int = 1) { if count > 0 { counts[event, default: 0] += count } }

  mutating func add(_ other: SimulationCoverage) { for (event, count) in other.counts { note(event, count) } }

  var missing: [Event] { Event.allCases.filter { counts[$0] == nil } }
}
