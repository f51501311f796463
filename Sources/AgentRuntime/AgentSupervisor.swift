import Foundation
package import Logging
package import PosixIO

/// The agent's lifeline descriptor in processes that a supervisor starts.
private let lifelineNumber: Int32 = 3

/// Runs several agents with the same arguments and waits for them; signals are passed on. One that fails is said,
/// and the others go on: the coordinator gives its rows to them. Returns whether none failed.
package func superviseAgents(count: Int, arguments: [String], signals: TerminationSignals, log: Logger) throws -> Bool {
  let lifeline = try Lifeline()
  var children: [ChildProcess] = []
  var isWell = true
  for _ in 0..<count {
    children.append(
      try ChildProcess(
        program: "/proc/self/exe",
        arguments: arguments + ["--lifeline", "\(lifelineNumber)"],
        inheriting: [(lifeline.readEnd.rawValue, lifelineNumber)]
      )
    )
  }
  while !children.isEmpty {
    var entries = children.map { pollfd(fd: $0.exitDescriptor, events: Int16(POLLIN), revents: 0) }
    entries.append(pollfd(fd: signals.descriptor, events: Int16(POLLIN), revents: 0))
    poll(&entries, nfds_t(entries.count), -1)
    if signals.take() > 0 { for child in children { child.terminate() } }
    children.removeAll { child in
      guard let ending = child.collect() else { return false }
      if ending != "exit status 0" {
        isWell = false
        log.warning("agent process \(child.identifier): \(ending)")
      }
      return true
    }
  }
  return isWell
}
