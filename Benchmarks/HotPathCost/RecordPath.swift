import FetchModel
import HTTP1
import Records
import TLS

/// From a response that was read to its line in the block, with what the worker's `record` puts into it.
enum RecordPath {
  /// The line of one request after the other; a class, as what holds the writer in a worker is.
  final class Recorder {
    private var writer = RecordWriter(agent: Samples.agent)
    private let urls = Samples.urls(64)
    private let head: [UInt8]
    private let contentType: Range<Int>?
    private let positions: [HeaderPosition]
    private let connection = ConnectionText(
      remoteIP: Array("192.0.2.7".utf8),
      reused: true,
      tls: TLSFacts(version: "1.3", cipher: Array("TLS_AES_256_GCM_SHA384".utf8), resumed: true)
    )
    private var nanoseconds: UInt64 = 412_345
    /// Of the next row.
    private(set) var seq: UInt64 = 0

    init() throws {
      var reader = ResponseReader()
      reader.begin(for: .get)
      _ = try reader.read(Samples.head("Content-Length: 1024\r\n", 0).span)
      let head = reader.head
      self.head = head.bytes
      contentType = head.firstValue(of: "content-type")
      positions = (0..<head.fieldCount).map { HeaderPosition(name: head.name(at: $0), value: head.value(at: $0)) }
    }

    /// Appends a line to the block, and gives its column.
    func append(
      digest: SHA256Digest? = nil,
      body: [UInt8]? = nil,
      id: [UInt8]? = nil,
      withHeaders: Bool = false,
      to lines: inout [UInt8]
    ) -> ResultColumn {
      var fields = RecordFields(seq: seq)
      seq += 1
      nanoseconds = nanoseconds &* 25_173 % 2_000_000 + 300_000
      fields.id = id
      fields.method = .get
      fields.startedAt = 1_764_519_022_123_456 + seq * 12
      fields.connection = connection
      fields.time.firstByte = nanoseconds - 9_000
      fields.time.total = nanoseconds
      fields.status = 200
      fields.httpMinorVersion = 1
      fields.contentType = contentType
      fields.contentLength = 1024
      fields.bodyBytes = 1024
      fields.bodySHA256 = digest
      if withHeaders { fields.headers = positions }
      let url = urls[Int(seq & 63)]
      let head = head
      let body = body ?? []
      let length = writer.append(
        fields,
        url: url.span,
        head: head.span,
        body: body.isEmpty ? nil : body.span,
        to: &lines
      )
      return Samples.column(fields, line: length)
    }
  }

  static func discard(_ count: Int) throws -> UInt64 {
    try write(count) { recorder, lines in recorder.append(to: &lines) }
  }

  static func hash(_ count: Int) throws -> UInt64 {
    let hasher = SHA256Hasher()
    return try write(count) { recorder, lines in
      // Short, or the digest's arithmetic would hide all else.
      Samples.body[..<64].withUnsafeBytes { hasher.update($0) }
      var digest = SHA256Digest(repeating: 0)
      var span = digest.mutableSpan
      span.withUnsafeMutableBufferPointer { bytes in
        if let base = bytes.baseAddress { hasher.finish(into: base) }
      }
      return recorder.append(digest: digest, to: &lines)
    }
  }

  static func inline(_ count: Int) throws -> UInt64 {
    let body = Array(Samples.body[..<64])
    return try write(count) { recorder, lines in recorder.append(body: body, to: &lines) }
  }

  /// A row that has a name, of a job that wants all fields of the response.
  static func fields(_ count: Int) throws -> UInt64 {
    let id = Array("a-17".utf8)
    return try write(count) { recorder, lines in recorder.append(id: id, withHeaders: true, to: &lines) }
  }

  /// One block's storage for all, so that nothing is allocated but what a record allocates.
  private static func write(
    _ count: Int,
    _ append: (Recorder, inout [UInt8]) -> ResultColumn
  ) throws -> UInt64 {
    let recorder = try Recorder()
    var lines: [UInt8] = []
    lines.reserveCapacity(1 << 20)
    var sum: UInt64 = 0
    for _ in 0..<count {
      let column = append(recorder, &lines)
      sum &+= UInt64(column.lineLength) &+ UInt64(lines[lines.count - 3])
      if recorder.seq.isMultiple(of: UInt64(Samples.blockRows)) { lines.removeAll(keepingCapacity: true) }
    }
    return sum
  }
}
