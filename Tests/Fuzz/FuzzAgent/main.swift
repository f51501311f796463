// Any bytes as frames at the agent's port, in the midst of a session.
//
// Each message acts as a valid one or is refused: the session's machine, the spread of connections over workers and
// the outbox take whatever their checks let through.

import AgentRuntime
import FetchModel
import FuzzSupport
import Scheduling
import WireProtocol

private func check(_ bytes: [UInt8]) {
  var feed = Feed(bytes)
  var agent = FuzzedAgent(workers: Int(feed.byte() % 4) + 1)
  while !feed.isEmpty {
    let kind = feed.byte()
    switch kind % 4 {
    case 0: agent.receive(feed.runs())
    case 1: agent.advance(milliseconds: UInt64(feed.byte()) * 50)
    case 2: agent.lower(origin: UInt32(feed.byte()), worker: Int(kind / 4), to: Int(feed.byte()))
    default: agent.receiveInOrder(feed.runs())
    }
  }
}

try runTarget(seeds: Seeds.all) { bytes, count in
  check(input(bytes, count))
  return 0
}
