import Foundation
import Testing

/// Jobs against an encoding server, and what their records say about bodies.
struct CodingBench {
  let sandbox: Sandbox
  let server: EncodingServer

  init() throws {
    sandbox = try Sandbox()
    server = try EncodingServer(in: sandbox)
  }

  /// One agent of one thread that tries once.
  static let options = ["--threads", "1", "--retry", "0"]

  func fetch(
    _ rows: [String],
    _ options: [String] = ["--compressed"],
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> CodedRecords {
    let job = try sandbox.fetch(rows, Self.options + options, sourceLocation: sourceLocation)
    return try CodedRecords(job, rows.count, sourceLocation: sourceLocation)
  }

  /// Rows of an object each.
  static func row(_ url: String, _ more: String) -> String { #"{"url":"\#(url)",\#(more)}"# }
}

/// Records with what only decoded bodies have.
struct CodedRecords {
  private struct Line: Decodable {
    var seq: Int
    var wireBytes: Int?
  }

  let records: Records
  private let wireBytes: [Int: Int]

  init(_ job: Job, _ count: Int, sourceLocation: SourceLocation = #_sourceLocation) throws {
    records = try job.records(count, sourceLocation: sourceLocation)
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let lines = try job.data.split(separator: 0x0A).map { try decoder.decode(Line.self, from: $0) }
    wireBytes = lines.reduce(into: [:]) { $0[$1.seq] = $1.wireBytes }
  }

  subscript(seq: Int) -> Record {
    get throws { try records[seq] }
  }

  func wireBytes(_ seq: Int) -> Int? { wireBytes[seq] }

  /// That a body was decoded to what it was.
  func expect(
    _ seq: Int,
    plain: [UInt8],
    wireBytes: Int?,
    _ comment: String = "",
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let record = try records[seq]
    let found: Comment = "\(comment): \(record)"
    #expect(record.gist == "200 \(plain.count)", found, sourceLocation: sourceLocation)
    #expect(record.bodySha256 == Digest.sha256(plain), found, sourceLocation: sourceLocation)
    #expect(self.wireBytes[seq] == wireBytes, found, sourceLocation: sourceLocation)
  }

  /// That a coding was found to be wrong; `status` stays what it was.
  func expectInvalid(
    _ seq: Int,
    in phase: String = "body",
    saying words: String...,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let record = try records[seq]
    let failure = try #require(record.error, "\(record)", sourceLocation: sourceLocation)
    #expect(record.status == 200 && record.attempts == 1, "\(record)", sourceLocation: sourceLocation)
    #expect(failure.phase == phase, "\(record)", sourceLocation: sourceLocation)
    #expect(failure.code == "content_encoding_invalid", "\(record)", sourceLocation: sourceLocation)
    #expect(!failure.retryable, "\(record)", sourceLocation: sourceLocation)
    #expect(words.allSatisfy(failure.message.contains), "\(words): \(record)", sourceLocation: sourceLocation)
  }
}
