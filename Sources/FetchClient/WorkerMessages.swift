package import FetchModel
package import HTTP1
package import TLS
package import WireProtocol

/// What all workers of a process share for one job: immutable.
package final class JobContext: Sendable {
  package let identifier: [UInt8]
  package let specification: JobSpecification
  package let tls: TLSContext
  /// For servers that the client certificate is not meant for; the same if there is none.
  package let tlsWithoutIdentity: TLSContext
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
    tlsWithoutIdentity =
      specification.tls.certificatePEM == nil ? tls : try TLSContext(specification.tls.withoutIdentity)
    let hasProxy = specification.proxies.http != nil || specification.proxies.https != nil
    // A proxy's credentials are the proxy's options', and no origin's.
    template = RequestTemplate(
      headers: specification.request.headers,
      neverSent: hasProxy ? .proxyCredentials : []
    )
  }
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
  /// Give back those of an origin's rows that were not started; of the others nothing is said.
  case recall(origin: UInt32, seqs: [UInt64])
  /// Give back all rows that were not started.
  case drain
  /// The session is over: report everything finished, then what is held. Rows that are not kept are forgotten and
  /// their connections closed. Reports carry the generation from then on, so that what was said before is recognised.
  case collect(generation: UInt64, keepsRows: Bool)
  /// Another session begins with what was held: origins have other numbers from now on, and those that are not listed
  /// are forgotten. The generation as with `collect`.
  case renumber(generation: UInt64, origins: [UInt32: UInt32])
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
  /// Origins that asked for so many milliseconds without a request, with answers that ended their rows.
  case originPauses([UInt32: UInt64])
  /// The answer to `collect`: what is kept, and the rows that are not.
  case holdings([WorkerHolding], dropped: [UInt64])
  /// Cumulative for the job.
  case effort(EffortCounters)
  /// The answer to `finish`.
  case finished(EffortCounters)
  /// This process lacks something (descriptors, ports, memory); for the operator, said at most once a second.
  case localTrouble(String)
}

/// What one worker has in hand of an origin.
package struct WorkerHolding: Equatable, Sendable {
  package let origin: UInt32
  /// The canonical origin.
  package let key: [UInt8]
  /// That may be open; the worker's share from now on.
  package let connections: Int
  /// Waiting or in flight.
  package let rows: [UInt64]

  package init(origin: UInt32, key: [UInt8], connections: Int, rows: [UInt64]) {
    self.origin = origin
    self.key = key
    self.connections = connections
    self.rows = rows
  }
}

/// Finished rows: packed columns and the lines themselves, in the same order.
package struct ResultBlock: Equatable, Sendable {
  package var rows = 0
  package var columns: [UInt8] = []
  package var lines: [UInt8] = []

  package init() {}

  package var byteCount: Int { columns.count + lines.count }
}
