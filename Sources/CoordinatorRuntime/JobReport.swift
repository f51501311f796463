import FetchModel
import Foundation
import Scheduling

/// `summary.json`: what became of a job. Record counters equal the record file by construction; effort counters are
/// what agents said last.
struct JobReport: Encodable {
  struct Latency: Encodable {
    var min, mean, p50, p90, p99, p999, max: Double

    enum CodingKeys: String, CodingKey {
      case min, mean, p50, p90, p99, max
      case p999 = "p99.9"
    }
  }

  struct Rate: Encodable {
    var overall: Double
    var firstTenth: Double?
    var lastTenth: Double?
  }

  struct Connections: Encodable {
    var opened, reused: UInt64
  }

  struct Handshakes: Encodable {
    var full, resumed: UInt64
  }

  struct Wire: Encodable {
    var sent, received: UInt64
  }

  struct Resolver: Encodable {
    var queries, hits, failures: UInt64
  }

  struct Effort: Encodable {
    var attempts: UInt64
    var connections: Connections
    var handshakes: Handshakes
    var wireBytes: Wire
    var resolver: Resolver
    var deferred, staleRetries: UInt64
    /// Instances that ended without a last report; what they did is known up to their last beat.
    var instances, instancesWithoutLastReport: Int
  }

  var version = 1
  var job: String
  /// `complete` or `interrupted`.
  var state: String
  var startedAt: String
  var seconds: Double
  var inputRows: UInt64
  var rows: UInt64
  var failedRows: UInt64
  /// By class, and `none` for rows without a response.
  var status: [String: UInt64]
  /// By code.
  var errors: [String: UInt64]
  var bodyBytes: UInt64
  var attempts: UInt64
  var latencySeconds: Latency
  var rowsPerSecond: Rate
  var effort: Effort
  /// Messages and peers that were not accepted, by cause.
  var refused: [String: UInt64]

  func encoded() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return Array(try encoder.encode(self)) + [0x0A]
  }
}

extension JobReport {
  /// What the loop has counted, put into the report's terms.
  struct Source {
    var job: [UInt8]
    var isComplete: Bool
    var startedAtMicroseconds: UInt64
    var duration: Duration
    var inputRows: UInt64
    var records: RecordCounters
    var timeline: RateTimeline
    var effort: EffortCounters
    var instances: Int
    var silentInstances: Int
    var refused: [(cause: String, count: UInt64)]
  }

  init(_ source: Source) {
    let records = source.records
    let seconds = source.duration.inSeconds
    job = source.job.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    state = source.isComplete ? "complete" : "interrupted"
    let date = Date(timeIntervalSince1970: Double(source.startedAtMicroseconds) / 1e6)
    startedAt = date.formatted(.iso8601)
    self.seconds = seconds
    inputRows = source.inputRows
    rows = records.rows
    failedRows = records.failedRows
    let classes = records.statusClasses
    status = [
      "1xx": classes.informational, "2xx": classes.successful, "3xx": classes.redirection,
      "4xx": classes.clientError, "5xx": classes.serverError, "other": classes.other, "none": classes.none,
    ]
    errors = [:]
    for code in FailureCode.allCases where records.rows(failedWith: code) > 0 {
      errors["\(code.name)"] = records.rows(failedWith: code)
    }
    bodyBytes = records.bodyBytes
    attempts = records.attempts
    latencySeconds = Latency(records.latency)
    rowsPerSecond = Rate(
      overall: seconds > 0 ? Double(records.rows) / seconds : 0,
      firstTenth: source.timeline.rate(ofTenth: 0),
      lastTenth: source.timeline.rate(ofTenth: 9)
    )
    effort = Effort(source.effort, instances: source.instances, silent: source.silentInstances)
    refused = Dictionary(source.refused.map { ($0.cause, $0.count) }, uniquingKeysWith: +)
  }
}

extension JobReport.Latency {
  fileprivate init(_ histogram: Histogram) {
    func seconds(_ microseconds: UInt32) -> Double { Double(microseconds) / 1e6 }
    min = seconds(histogram.minimum)
    mean = histogram.count == 0 ? 0 : Double(histogram.sum) / Double(histogram.count) / 1e6
    p50 = seconds(histogram.percentile(50))
    p90 = seconds(histogram.percentile(90))
    p99 = seconds(histogram.percentile(99))
    p999 = seconds(histogram.percentile(99.9))
    max = seconds(histogram.maximum)
  }
}

extension JobReport.Effort {
  fileprivate init(_ effort: EffortCounters, instances: Int, silent: Int) {
    attempts = effort.attempts
    connections = .init(opened: effort.connectionsOpened, reused: effort.requestsOnReusedConnections)
    handshakes = .init(full: effort.handshakesFull, resumed: effort.handshakesResumed)
    wireBytes = .init(sent: effort.wireBytesSent, received: effort.wireBytesReceived)
    resolver = .init(
      queries: effort.resolverQueries,
      hits: effort.resolverHits,
      failures: effort.resolverFailures
    )
    deferred = effort.deferred
    staleRetries = effort.staleRetries
    self.instances = instances
    instancesWithoutLastReport = silent
  }
}
