import FetchModel
import Foundation
import JobStore
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
    /// `timeouts` are failures, too.
    var queries, hits, failures, timeouts: UInt64
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

  enum State: String, Codable {
    case complete, interrupted
    /// All rows that are known are recorded, but standard input was cut off.
    case incompleteInput = "incomplete_input"
  }

  var version = 1
  var job: String
  var state: State
  var startedAt: String
  var seconds: Double
  var inputRows: UInt64
  var rows: UInt64
  /// Of these, recorded by earlier runs.
  var earlierRows: UInt64
  /// Chosen to be fetched again, and left alone because they may have been carried out.
  var withheldRows: Int
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

  /// Whether a row failed or has a status of 400 or more.
  var hasFailures: Bool { failedRows + (status["4xx"] ?? 0) + (status["5xx"] ?? 0) > 0 }

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
    var state: State
    var startedAtMicroseconds: UInt64
    var duration: Duration
    var inputRows: UInt64
    var earlierRows: UInt64
    var withheldRows: Int
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
    job = hexadecimal(source.job)
    state = source.state
    let date = Date(timeIntervalSince1970: Double(source.startedAtMicroseconds) / 1e6)
    startedAt = date.formatted(.iso8601)
    self.seconds = seconds
    inputRows = source.inputRows
    rows = records.rows
    earlierRows = source.earlierRows
    withheldRows = source.withheldRows
    failedRows = records.failedRows
    status = Self.statuses(of: records)
    errors = Self.errors(of: records)
    bodyBytes = records.bodyBytes
    attempts = records.attempts
    latencySeconds = Latency(records.latency)
    rowsPerSecond = Rate(
      overall: seconds > 0 ? Double(records.rows - source.earlierRows) / seconds : 0,
      firstTenth: source.timeline.rate(ofTenth: 0),
      lastTenth: source.timeline.rate(ofTenth: 9)
    )
    effort = Effort(source.effort, instances: source.instances, silent: source.silentInstances)
    refused = Dictionary(source.refused.map { ($0.cause, $0.count) }, uniquingKeysWith: +)
  }
}

extension JobReport {
  /// Of a pass that an earlier run has ended, who alone knew what it cost.
  init(ofEnded pass: RecoveredPass) {
    self.init(
      Source(
        job: pass.identifier,
        state: .complete,
        startedAtMicroseconds: 0,
        duration: .zero,
        inputRows: pass.counters.rows,
        earlierRows: pass.counters.rows,
        withheldRows: 0,
        records: pass.counters,
        timeline: RateTimeline(),
        effort: EffortCounters(),
        instances: 0,
        silentInstances: 0,
        refused: []
      )
    )
  }

  static func statuses(of records: RecordCounters) -> [String: UInt64] {
    let classes = records.statusClasses
    return [
      "1xx": classes.informational, "2xx": classes.successful, "3xx": classes.redirection,
      "4xx": classes.clientError, "5xx": classes.serverError, "other": classes.other, "none": classes.none,
    ]
  }

  static func errors(of records: RecordCounters) -> [String: UInt64] {
    var errors: [String: UInt64] = [:]
    for code in FailureCode.allCases where records.rows(failedWith: code) > 0 {
      errors["\(code.name)"] = records.rows(failedWith: code)
    }
    return errors
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
      failures: effort.resolverFailures,
      timeouts: effort.resolverTimeouts
    )
    deferred = effort.deferred
    staleRetries = effort.staleRetries
    self.instances = instances
    instancesWithoutLastReport = silent
  }
}
