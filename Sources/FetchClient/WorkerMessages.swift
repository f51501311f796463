package import FetchModel
package import HTTP1
import Synchronization
package import TLS
package import WireProtocol

/// What all workers of a process share for one job: immutable.
package final class JobContext: Sendable {
  package let identifier: [UInt8]
  package let specification: JobSpecification
  package let tls: TLSContext
  package let template: RequestTemplate
  /// Stands in records.
  package let agentName: [UInt8]

  /// Reads trust anchors and keys; once per job.
  package init(identifier: [UInt8], specification: JobSpecification, agentName: [UInt8])
    throws(TLSConfigurationError)
  {
    self.identifier = identifier
    self.specification = specification
    self.agentName = agentName
    tls = try TLSContext(specification.tls)
    template = RequestTemplate(headers: specification.request.headers, userAgentDefault: Array("trawl/0.1".utf8))
  }
}

/// Whether requests may be started at all: written by the thread that owns the session, read by workers before each
/// request leaves.
package final class Admission: Sendable {
  private let leaseEnd = Atomic<UInt64>(0)
  private let unacknowledged = Atomic<Int>(0)
  private let creditBytes: Int

  /// `creditBytes`: finished bytes that may wait for their acknowledgement.
  package init(creditBytes: Int) { self.creditBytes = creditBytes }

  /// Requests may start until then, on the boot-time clock.
  package func setLease(until end: Instant) { leaseEnd.store(end.nanoseconds, ordering: .releasing) }

  package func isLeased(at now: Instant) -> Bool { now.nanoseconds < leaseEnd.load(ordering: .acquiring) }

  package func addUnacknowledged(_ bytes: Int) { unacknowledged.add(bytes, ordering: .relaxed) }

  package var unacknowledgedBytes: Int { unacknowledged.load(ordering: .relaxed) }

  package var hasCredit: Bool { unacknowledgedBytes < creditBytes }
}

/// The rows of one frame for one worker; all of them point into `bytes`.
package final class RowBatch: Sendable {
  package let bytes: [UInt8]
  package let rows: [FramedRow]

  package init(bytes: [UInt8], rows: [FramedRow]) {
    self.bytes = bytes
    self.rows = rows
  }
}

/// What a worker is told.
package enum WorkerCommand: Sendable {
  case begin(JobContext)
  case rows(RowBatch)
  /// Connections to an origin that this worker may hold open.
  case share(origin: UInt32, connections: Int)
  /// Internal: the answer of the resolver.
  case resolved(ResolvedName)
  /// The session is over: forget rows and unsent results, close connections. Reports carry the generation from
  /// then on, so that what was on its way is recognised.
  case abandon(generation: UInt64)
  /// Report everything finished so far, then `finished`.
  case finish
  case stop
}

/// What a worker says, and in which generation.
package struct WorkerReport: Sendable {
  package let worker: Int
  package let generation: UInt64
  package let news: WorkerNews
}

package enum WorkerNews: Sendable {
  case block(ResultBlock)
  case deferrals(frame: [UInt8], rows: Int)
  /// No more than that many connections to the origin are open any more.
  case shareLowered(origin: UInt32, connections: Int)
  /// Cumulative for the job.
  case effort(EffortCounters)
  /// The answer to `finish`.
  case finished(EffortCounters)
  /// This process lacks something (descriptors, ports, memory); for the operator, said at most once a second.
  case localTrouble(String)
}

/// Finished rows: packed columns and the lines themselves, in the same order.
package struct ResultBlock: Sendable {
  package var rows = 0
  package var columns: [UInt8] = []
  package var lines: [UInt8] = []

  package var byteCount: Int { columns.count + lines.count }
}
