import FetchModel
import Foundation
import JobStore
import PosixIO

/// `status.json`: how a job stands, replaced every second while it runs.
struct JobStatus: Codable {
  var version = 1
  var job: String
  /// The file that records go to.
  var results: String
  var pid: Int32
  var updatedAt: String
  /// Since this run began.
  var seconds: Double
  /// Rows read so far, and whether these are all.
  var inputRows: UInt64
  var inputHasEnded: Bool
  var rows: UInt64
  var failedRows: UInt64
  var queued, leased, deferred: UInt64
  var rowsPerSecond: Double
  var agents: [String]
  var parkedOrigins: Int
  var status, errors: [String: UInt64]
}

/// How a job stands, in lines for people.
package func describeStatus(of path: String) throws -> [String] {
  let directory = try JobDirectory(opening: path)
  let pid = try directory.runningCoordinator()
  let passes = try directory.passes()
  var lines: [String] = []
  if let bytes = try directory.read("status.json", limit: 1 << 24) {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    guard let status = try? decoder.decode(JobStatus.self, from: Data(bytes)) else {
      throw CoordinatorError("\(path)/status.json is damaged; it is made anew while the job runs")
    }
    lines = status.lines
  }
  let summary = passes[passes.count - 1].summaryName
  if let pid {
    lines.insert("state       running, process \(pid)", at: 0)
  } else if let bytes = try directory.read(summary, limit: 1 << 24),
    let object = try? JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any],
    let state = object["state"] as? String
  {
    let isWhole = state == JobReport.State.complete.rawValue
    lines.insert("state       \(isWhole ? state : "\(state); go on with: coordinator resume \(path)")", at: 0)
  } else {
    lines.insert("state       stopped; go on with: coordinator resume \(path)", at: 0)
  }
  return lines
}

extension JobStatus {
  fileprivate var lines: [String] {
    var lines = [
      "updated     \(updatedAt)",
      "rows        \(rows) of \(inputRows)\(inputHasEnded ? "" : "+") in \(results), \(failedRows) failed",
      "open        \(queued) queued, \(leased) with agents, \(deferred) deferred",
      "rate        \(String(format: "%.0f/s over %.0f s", rowsPerSecond, seconds))",
      "agents      \(agents.isEmpty ? "none" : agents.joined(separator: " "))",
    ]
    if parkedOrigins > 0 { lines.append("parked      \(parkedOrigins) origins") }
    let failures = errors.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
    if !failures.isEmpty {
      lines.append("errors      " + failures.map { "\($0.key) \($0.value)" }.joined(separator: "   "))
    }
    return lines
  }
}
