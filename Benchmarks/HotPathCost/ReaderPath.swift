import FetchModel
import HTTP1

/// From the bytes of a response to its head and its body, as in the worker's `parse` and `describeResponse`.
enum ReaderPath {
  /// The reader stands in a class, as in a connection, and only one is used for all requests.
  private final class Slot {
    var reader = ResponseReader()
    var sum: UInt64 = 0

    func parse(_ input: UnsafeRawBufferPointer) throws {
      var offset = 0
      while true {
        let rest = UnsafeRawBufferPointer(rebasing: input[offset...])
        let (consumed, event) = try reader.read(rest.bindMemory(to: UInt8.self).span)
        offset += consumed
        switch event {
        case .needsMore: return
        case .interim: continue
        case .head: sum &+= Self.describe(&reader)
        case .body(let range): sum &+= UInt64(range.count)
        case .end: return
        }
      }
    }

    private static func describe(_ reader: inout ResponseReader) -> UInt64 {
      UInt64(reader.head.status) &+ UInt64(reader.head.firstValue(of: "content-type")?.count ?? 0)
    }
  }

  static func contentLength(_ count: Int) throws -> UInt64 {
    try read(count, "Content-Length: 1024\r\n", Samples.body)
  }

  static func chunked(_ count: Int) throws -> UInt64 {
    let body = Array("400\r\n".utf8) + Samples.body + Array("\r\n0\r\n\r\n".utf8)
    return try read(count, "Transfer-Encoding: chunked\r\n", body)
  }

  static func untilClose(_ count: Int) throws -> UInt64 { try read(count, "", Samples.body, endsByClose: true) }

  private static func read(
    _ count: Int,
    _ framing: String,
    _ body: [UInt8],
    endsByClose: Bool = false
  ) throws -> UInt64 {
    let responses = (0..<16).map { Samples.head(framing, $0) + body }
    let slot = Slot()
    for index in 0..<count {
      slot.reader.begin(for: .get)
      try responses[index & 15].withUnsafeBytes { try slot.parse($0) }
      if endsByClose { _ = try slot.reader.finish(clean: true) }
      slot.sum &+= slot.reader.isReusable ? 1 : 0
    }
    return slot.sum
  }
}
