import FetchModel
import PosixIO
import Records
import Scheduling
import WireProtocol

/// Writes what a real agent would say of a response of 1 KiB over a kept-alive TLS connection, in blocks as it would.
/// Confined to its agent's thread.
final class Answers {
  /// Finished rows: packed columns and the lines themselves, in the same order.
  struct Block: OutboxPayload {
    var rows = 0
    var columns: [UInt8] = []
    var lines: [UInt8] = []

    var byteCount: Int { columns.count + lines.count }
    var finishedRows: Int { rows }

    // Both are asked for only when a session is lost, which ends an instant agent.
    var seqs: [UInt64] { [] }
    mutating func remove(_ seqs: Set<UInt64>) { preconditionFailure("blocks of instant agents are never taken apart") }
  }

  private static let maximumRows = 256
  private static let maximumBytes = 256 * 1024
  /// A real agent waits 50 ms, but only 5 if an origin has run out of rows, as here all have at once.
  private static let maximumAge: UInt64 = 5_000_000
  private static let bodyBytes: UInt64 = 1024

  private let head = Array("HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n\r\n".utf8)
  private let contentType: Range<Int>
  private let connection = ConnectionText(
    remoteIP: Array("127.0.0.1".utf8),
    reused: true,
    tls: TLSFacts(version: "1.3", cipher: Array("TLS_AES_128_GCM_SHA256".utf8), resumed: false)
  )
  private var writer: RecordWriter
  private var row = RowRequest()
  private var urlText: [UInt8] = []
  private var block = Block()
  private var oldest = Instant.distantFuture

  init(agent name: [UInt8]) {
    writer = RecordWriter(agent: name)
    let text = "application/octet-stream"
    contentType = head.count - 4 - text.utf8.count..<head.count - 4
  }

  var isFull: Bool { block.rows >= Self.maximumRows || block.lines.count >= Self.maximumBytes }

  /// When what is inside has waited long enough; `distantFuture` if nothing is.
  var dueAt: Instant { block.rows == 0 ? .distantFuture : oldest.adding(nanoseconds: Self.maximumAge) }

  func take() -> Block {
    defer {
      let (lines, columns) = (block.lines.count, block.columns.count)
      block = Block()
      block.lines.reserveCapacity(lines)
      block.columns.reserveCapacity(columns)
    }
    return block
  }

  func add(_ framed: FramedRow, of frame: [UInt8], now: Instant) {
    if block.rows == 0 { oldest = now }
    var fields = RecordFields(seq: framed.seq)
    fields.attempts = UInt32(framed.attempts) + 1
    fields.startedAt = Clock.wallMicroseconds()
    do throws(RowProblem) {
      try row.parse(frame.span.extracting(framed.line))
      describeResponse(in: &fields)
    } catch {
      fields.failure = FetchFailure(error.code, in: .input, error.description)
    }
    row.exchangeURLText(for: &urlText)
    fields.id = row.id
    let (url, head) = (urlText, self.head)
    let length = writer.append(fields, url: url.span, head: head.span, to: &block.lines)
    let column = ResultColumn(
      seq: fields.seq,
      bodyBytes: fields.bodyBytes ?? 0,
      totalMicroseconds: fields.time.totalMicroseconds,
      lineLength: UInt32(length),
      status: UInt16(clamping: fields.status ?? 0),
      failure: fields.failure?.code,
      attempts: UInt8(clamping: fields.attempts)
    )
    block.rows += 1
    ColumnFrame.append(column, to: &block.columns)
  }

  private func describeResponse(in fields: inout RecordFields) {
    fields.method = row.method ?? .get
    fields.status = 200
    fields.httpMinorVersion = 1
    fields.contentType = contentType
    fields.contentLength = Self.bodyBytes
    fields.bodyBytes = Self.bodyBytes
    fields.connection = connection
    // Numbers of as many digits as real ones have, in every bucket of a histogram.
    fields.time.firstByte = 200_000 + fields.seq % 512 * 1000
    fields.time.total = 230_000 + fields.seq % 512 * 1000
  }
}
