import Foundation

/// A job's report as a table for people.
struct ReportTable {
  let report: JobReport

  /// Lines without line ends.
  var lines: [String] {
    var lines = ["", "rows        \(grouped(report.rows)) of \(grouped(report.inputRows)) recorded, \(state)"]
    if report.earlierRows > 0 { lines.append("            \(grouped(report.earlierRows)) of them by earlier runs") }
    if report.withheldRows > 0 {
      lines.append(
        "left alone  \(grouped(UInt64(report.withheldRows))) that may have been carried out and must not be sent twice "
          + "(--retry-unsafe sends them)"
      )
    }
    let classes = ["1xx", "2xx", "3xx", "4xx", "5xx", "other", "none"].compactMap { name -> String? in
      guard let count = report.status[name], count > 0 else { return nil }
      return "\(name) \(grouped(count))"
    }
    if !classes.isEmpty { lines.append("status      " + classes.joined(separator: "   ")) }
    if report.errors.isEmpty {
      lines.append("errors      none")
    } else {
      for (index, entry) in report.errors.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }).enumerated() {
        lines.append((index == 0 ? "errors      " : "            ") + "\(entry.key) \(grouped(entry.value))")
      }
    }
    let effort = report.effort
    lines.append("bytes       \(size(report.bodyBytes)) of bodies, \(size(effort.wireBytes.received)) received")
    let names = effort.resolver
    if names.queries + names.hits > 0 {
      let asked = "\(grouped(names.queries)) questions to name servers, \(grouped(names.hits)) answers without"
      lines.append("names       \(asked), \(grouped(names.timeouts)) timed out")
    }
    let connections = effort.connections
    let reused = "\(grouped(connections.reused)) requests reused one"
    lines.append("connections \(grouped(connections.opened)) opened, \(reused)")
    lines.append("handshakes  \(grouped(effort.handshakes.full)) full, \(grouped(effort.handshakes.resumed)) resumed")
    let latency = report.latencySeconds
    lines.append(
      "latency     p50 \(time(latency.p50))   p90 \(time(latency.p90))   p99 \(time(latency.p99))   "
        + "p99.9 \(time(latency.p999))   max \(time(latency.max))"
    )
    var rate = "rate        \(grouped(UInt64(report.rowsPerSecond.overall)))/s over \(time(report.seconds))"
    if let first = report.rowsPerSecond.firstTenth, let last = report.rowsPerSecond.lastTenth {
      rate += "; first tenth \(grouped(UInt64(first)))/s, last tenth \(grouped(UInt64(last)))/s"
    }
    lines.append(rate)
    return lines
  }

  private var state: String {
    switch report.state {
    case .complete: "complete"
    case .interrupted: "interrupted"
    case .incompleteInput: "but the input is not whole"
    }
  }

  private func grouped(_ number: UInt64) -> String {
    var digits = String(number)
    var position = digits.count - 3
    while position > 0 {
      digits.insert(",", at: digits.index(digits.startIndex, offsetBy: position))
      position -= 3
    }
    return digits
  }

  private func time(_ seconds: Double) -> String {
    switch seconds {
    case ..<0.001: String(format: "%.0f us", seconds * 1e6)
    case ..<1: String(format: "%.1f ms", seconds * 1e3)
    default: String(format: "%.2f s", seconds)
    }
  }

  private func size(_ bytes: UInt64) -> String {
    switch Double(bytes) {
    case ..<1024: "\(bytes) B"
    case ..<1_048_576: String(format: "%.1f KiB", Double(bytes) / 1024)
    case ..<1_073_741_824: String(format: "%.1f MiB", Double(bytes) / 1_048_576)
    default: String(format: "%.2f GiB", Double(bytes) / 1_073_741_824)
    }
  }
}
