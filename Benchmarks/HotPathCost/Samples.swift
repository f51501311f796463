import FetchModel
import Records

/// Bytes that all paths share.
enum Samples {
  /// Of nginx 1.22 for a file of 1 KiB.
  private static let firstFields = """
    Server: nginx/1.22.1\r
    Date: Mon, 30 Nov 2026 16:10:22 GMT\r
    Content-Type: text/html\r

    """
  static let body: [UInt8] = (0..<1024).map { UInt8(ascii: "a") + UInt8($0 % 26) }
  static let agent = Array("web1-3f9c".utf8)
  static let jobIdentifier = [UInt8](repeating: 7, count: 16)
  /// As many as an agent reports together.
  static let blockRows = 256

  /// The head of a response with the framing that is given; each file has another date and another tag.
  static func head(_ framing: String, _ file: Int) -> [UInt8] {
    let lastFields = """
      Last-Modified: Mon, 30 Nov 2026 09:41:\(file + 10) GMT\r
      Connection: keep-alive\r
      ETag: "674adf\(file + 10)-400"\r
      Accept-Ranges: bytes\r

      """
    return Array("HTTP/1.1 200 OK\r\n\(firstFields)\(framing)\(lastFields)\r\n".utf8)
  }

  /// So many different URLs of some origins, sorted by origin, as lists mostly are.
  static func urls(_ count: Int) -> [[UInt8]] {
    (0..<count).map { Array("https://www\($0 / 32).example.org/articles/2026/item-\(100_000 + $0).html?page=2".utf8) }
  }

  static func column(_ fields: borrowing RecordFields, line: Int) -> ResultColumn {
    ResultColumn(
      seq: fields.seq,
      bodyBytes: fields.bodyBytes ?? 0,
      totalMicroseconds: fields.time.totalMicroseconds,
      lineLength: UInt32(line),
      status: UInt16(clamping: fields.status ?? 0),
      failure: nil,
      attempts: 1
    )
  }
}
