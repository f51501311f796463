/// Sums over the result columns that the coordinator accepted; equal to `results.jsonl` by construction, across
/// kills and resumes.
package struct RecordCounters: Equatable, Sendable {
  /// Accepted rows, failed or not.
  package private(set) var rows: UInt64 = 0
  /// Rows by the class of their status; the members add up to `rows`.
  package private(set) var statusClasses = StatusClasses()
  /// Rows by failure, indexed by the raw value of `FailureCode`; 256 entries.
  package private(set) var failures = [UInt64](repeating: 0, count: 256)
  /// Rows with a failure; the sum of `failures`.
  package private(set) var failedRows: UInt64 = 0
  /// Bytes of bodies after de-chunking and decoding.
  package private(set) var bodyBytes: UInt64 = 0
  /// Attempts that the accepted rows took, first and repeated ones.
  package private(set) var attempts: UInt64 = 0
  /// `time.total` of every row, those without a response included.
  package private(set) var latency = Histogram()

  package init() {}

  /// Counts one accepted row. `status` is 0 if the row has none.
  package mutating func add(
    failure: FailureCode?,
    status: Int,
    totalMicroseconds: UInt32,
    bodyBytes: UInt64,
    attempts: UInt32 = 1
  ) {
    rows += 1
    statusClasses.add(status)
    if let failure {
      failures[Int(failure.rawValue)] += 1
      failedRows += 1
    }
    self.bodyBytes.addSaturating(bodyBytes)
    self.attempts.addSaturating(UInt64(attempts))
    latency.record(totalMicroseconds)
  }

  /// Counts the row of one accepted column.
  package mutating func add(_ column: ResultColumn) {
    add(
      failure: column.failure,
      status: Int(column.status),
      totalMicroseconds: column.totalMicroseconds,
      bodyBytes: column.bodyBytes,
      attempts: UInt32(column.attempts)
    )
  }

  /// Counts every row that `other` has counted.
  package mutating func merge(_ other: RecordCounters) {
    rows += other.rows
    statusClasses.merge(other.statusClasses)
    for index in failures.indices { failures[index] += other.failures[index] }
    failedRows += other.failedRows
    bodyBytes.addSaturating(other.bodyBytes)
    attempts.addSaturating(other.attempts)
    latency.merge(other.latency)
  }

  /// Rows that failed with `code`.
  package func rows(failedWith code: FailureCode) -> UInt64 { failures[Int(code.rawValue)] }
}

/// Rows by the class of their status (RFC 9110 section 15).
package struct StatusClasses: Equatable, Sendable {
  /// 1xx.
  package private(set) var informational: UInt64 = 0
  /// 2xx.
  package private(set) var successful: UInt64 = 0
  /// 3xx.
  package private(set) var redirection: UInt64 = 0
  /// 4xx.
  package private(set) var clientError: UInt64 = 0
  /// 5xx.
  package private(set) var serverError: UInt64 = 0
  /// Status codes outside 100 ... 599, which some servers do send.
  package private(set) var other: UInt64 = 0
  /// Rows without a status: no response head came.
  package private(set) var none: UInt64 = 0

  package init() {}

  /// Counts one row; 0 is no status.
  package mutating func add(_ status: Int) {
    switch status {
    case 0: none += 1
    case 100...199: informational += 1
    case 200...299: successful += 1
    case 300...399: redirection += 1
    case 400...499: clientError += 1
    case 500...599: serverError += 1
    default: other += 1
    }
  }

  /// Counts every row that `more` has counted.
  package mutating func merge(_ more: StatusClasses) {
    informational += more.informational
    successful += more.successful
    redirection += more.redirection
    clientError += more.clientError
    serverError += more.serverError
    other += more.other
    none += more.none
  }
}
