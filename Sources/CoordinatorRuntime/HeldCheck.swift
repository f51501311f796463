import FetchModel
package import Scheduling
package import WireProtocol

/// What a hello says to be held, checked: it came over a network. Pure.
package enum HeldCheck {
  /// More than the credits of rows and of bytes that are not acknowledged can come to.
  package static let maximumRows = 1 << 20

  /// What is held of the coordinator's job, by an agent that works for it or that keeps finished rows of it; nil if no
  /// agent that keeps to the protocol says so.
  package static func holdings(_ hello: WireHello, of job: [UInt8]) -> [Holding]? {
    guard hello.job.isEmpty || hello.job.count == 16, isAcceptable(hello.kept, besides: hello.job),
      let held = acceptable(hello)
    else { return nil }
    if Array(hello.job) == job { return held }
    guard let kept = hello.kept.first(where: { Array($0.job) == job }) else { return [] }
    return [Holding(origin: 0, key: [], connections: 0, rows: kept.rows)]
  }

  /// Whether a hello says all that a session needs, and nothing that cannot be.
  package static func isComplete(_ hello: WireHello) -> Bool {
    hello.instance.count == 16 && hello.connections > 0 && hello.creditRows > 0 && hello.creditBytes > 0
      && hello.name.utf8.count <= 256 && hello.name.utf8.allSatisfy { (0x21...0x7E).contains($0) }
  }

  /// What is kept of other jobs than the agent's own.
  private static func isAcceptable(_ kept: [WireKept], besides job: some Collection<UInt8>) -> Bool {
    guard kept.count <= HelloLimits.keptJobs else { return false }
    var jobs: Set<[UInt8]> = [Array(job)]
    var rows = 0
    return kept.allSatisfy { entry in
      rows += entry.rows.count
      return entry.job.count == 16 && jobs.insert(Array(entry.job)).inserted && !entry.rows.isEmpty
        && rows <= HelloLimits.keptRows && isAscending(entry.rows) && entry.rows.allSatisfy { $0 < RowSet.limit }
    }
  }

  private static func isAscending(_ rows: [UInt64]) -> Bool { zip(rows, rows.dropFirst()).allSatisfy { $0 < $1 } }

  private static func acceptable(_ hello: WireHello) -> [Holding]? {
    var numbers = Set<UInt32>()
    var keys = Set<[UInt8]>()
    var connections = 0
    var rows = 0
    var holdings: [Holding] = []
    for held in hello.held {
      connections += Int(held.connections)
      rows += held.rows.count
      let key = Array(held.key)
      guard connections <= Int(hello.connections), rows <= maximumRows,
        held.rows.allSatisfy({ $0 < RowSet.limit }), numbers.insert(held.origin).inserted,
        keys.insert(key).inserted, held.origin == 0 ? key.isEmpty && held.connections == 0 : isCanonical(key)
      else { return nil }
      guard held.origin == 0 || held.connections > 0 else { return nil }
      holdings.append(Holding(origin: held.origin, key: key, connections: Int(held.connections), rows: held.rows))
    }
    return holdings
  }

  /// Spelled otherwise, one origin would be two.
  private static func isCanonical(_ key: [UInt8]) -> Bool {
    var url = HTTPURL()
    guard key.count <= 512, (try? url.parseOrigin(key.span)) != nil else { return false }
    var spelled: [UInt8] = []
    url.appendOriginKey(to: &spelled)
    return spelled == key
  }
}
