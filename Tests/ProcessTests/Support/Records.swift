import Foundation
import Testing

/// One line of results.jsonl.
struct Record: Decodable {
  struct Failure: Decodable {
    var phase, code, message: String
    var retryable: Bool
  }

  struct Security: Decodable {
    var version, cipher: String
    var resumed: Bool
  }

  var seq: Int
  var id, url, method, http, contentType, bodySha256, truncated, finalUrl, location: String?
  var agent, startedAt, remoteIp, body, bodyB64: String?
  var status, contentLength, bodyBytes, redirects: Int?
  var attempts: Int
  var reused: Bool?
  var headers: [[String]]?
  var error: Failure?
  var tls: Security?
  var time: [String: Double]

  /// What a test most often asks for, as one text: `200 10`, `200 512 body/reset`, `dns/dns_not_found`.
  var gist: String {
    var parts: [String] = []
    if let status { parts.append("\(status)") }
    if let bodyBytes { parts.append("\(bodyBytes)") }
    if let error { parts.append("\(error.phase)/\(error.code)") }
    return parts.joined(separator: " ")
  }
}

/// A file of records, read whole and checked line by line.
struct Records {
  /// By seq.
  let all: [Record]
  var count: Int { all.count }

  /// Reads records; every line has to be whole and valid, with `seq` first, and each seq below `count` there once.
  init(_ data: Data, count: Int, sourceLocation: SourceLocation = #_sourceLocation) throws {
    let found = try Self.lines(data)
    var bySeq: [Int: Record] = [:]
    var doubled: [Int] = []
    for record in found {
      if bySeq.updateValue(record, forKey: record.seq) != nil { doubled.append(record.seq) }
    }
    let missing = (0..<count).filter { bySeq[$0] == nil }
    #expect(doubled.isEmpty, "recorded more than once: \(doubled.prefix(10))", sourceLocation: sourceLocation)
    #expect(missing.isEmpty, "\(missing.count) missing: \(missing.prefix(10))", sourceLocation: sourceLocation)
    #expect(found.count == count, sourceLocation: sourceLocation)
    all = bySeq.values.sorted { $0.seq < $1.seq }
  }

  /// All records of a file in its order, without a look at which there are.
  static func lines(_ data: Data) throws -> [Record] {
    guard data.isEmpty || data.last == 0x0A else { throw Trouble("the last line of the records is torn") }
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try data.split(separator: 0x0A, omittingEmptySubsequences: false).dropLast().map { line in
      do {
        let record = try decoder.decode(Record.self, from: line)
        guard line.starts(with: "{\"seq\":\(record.seq),".utf8) else { throw Trouble("seq does not come first") }
        return record
      } catch {
        throw Trouble("no record: \(String(decoding: line.prefix(500), as: UTF8.self)): \(error)")
      }
    }
  }

  subscript(seq: Int) -> Record {
    get throws {
      guard let record = all.first(where: { $0.seq == seq }) else { throw Trouble("no record \(seq)") }
      return record
    }
  }

  var agents: Set<String> { Set(all.compactMap(\.agent)) }

  /// Every row was fetched.
  func expectAllFetched(sourceLocation: SourceLocation = #_sourceLocation) {
    let other = all.filter { $0.status != 200 || $0.error != nil }
    #expect(
      other.isEmpty,
      "\(other.count) rows were not fetched, such as \(other.prefix(3))",
      sourceLocation: sourceLocation
    )
  }
}

/// summary.json.
struct Summary: Decodable {
  struct Latency: Decodable {
    var min, mean, p50, p90, p99, p999, max: Double

    enum CodingKeys: String, CodingKey {
      case min, mean, p50, p90, p99, max
      case p999 = "p99.9"
    }
  }

  struct Effort: Decodable {
    struct Connections: Decodable { var opened, reused: Int }
    struct Handshakes: Decodable { var full, resumed: Int }
    var attempts, instances, instancesWithoutLastReport: Int
    var connections: Connections
    var handshakes: Handshakes
  }

  var state: String
  var inputRows, rows, failedRows, bodyBytes, attempts: Int
  var status, errors, refused: [String: Int]
  var latencySeconds: Latency
  var effort: Effort

  /// Of the job in a folder.
  init(of directory: String) throws {
    let file = "\(directory)/summary.json"
    guard let data = FileManager.default.contents(atPath: file) else { throw Trouble("there is no \(file)") }
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    self = try decoder.decode(Summary.self, from: data)
  }

  /// The record counters say what the records say.
  func expectAgreement(with records: Records, sourceLocation: SourceLocation = #_sourceLocation) {
    let all = records.all
    #expect(rows == all.count, sourceLocation: sourceLocation)
    #expect(failedRows == all.count { $0.error != nil }, sourceLocation: sourceLocation)
    #expect(bodyBytes == all.reduce(0) { $0 + ($1.bodyBytes ?? 0) }, sourceLocation: sourceLocation)
    #expect(attempts == all.reduce(0) { $0 + $1.attempts }, sourceLocation: sourceLocation)
    let codes = Dictionary(grouping: all.compactMap(\.error?.code)) { $0 }.mapValues(\.count)
    #expect(errors == codes, sourceLocation: sourceLocation)
    let classes = Dictionary(grouping: all) { $0.status.map { "\($0 / 100)xx" } ?? "none" }.mapValues(\.count)
    #expect(status.filter { $0.value > 0 } == classes, sourceLocation: sourceLocation)
    let latency = latencySeconds
    let ladder = [latency.min, latency.p50, latency.p90, latency.p99, latency.p999, latency.max]
    #expect(ladder == ladder.sorted(), sourceLocation: sourceLocation)
    let longest = all.compactMap { $0.time["total"] }.max() ?? 0
    #expect(abs(latency.max - longest) < 2e-6, "the maximum is the longest row's", sourceLocation: sourceLocation)
  }
}
