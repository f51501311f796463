import FetchModel
import HTTP1

/// From a row that was read to the bytes of its request.
enum EncoderPath {
  private static func fields(_ pairs: [(String, String)]) -> [HeaderField] {
    pairs.compactMap { HeaderField($0.0, $0.1) }
  }

  static func get(_ count: Int) -> UInt64 { encode(count, .get, [], nil) }

  /// An API call: the row has fields and a body.
  static func rowHeaders(_ count: Int) -> UInt64 {
    let headers = fields([("Content-Type", "application/json"), ("X-Request-ID", "a-17"), ("Accept", "text/plain")])
    return encode(count, .post, headers, Array(#"{"query":"swift","page":2}"#.utf8))
  }

  private static func encode(_ count: Int, _ method: RequestMethod, _ row: [HeaderField], _ body: [UInt8]?) -> UInt64 {
    // What a job without options of its own sends.
    let template = RequestTemplate(headers: fields([("User-Agent", "trawl/0.1"), ("Accept", "*/*")]))
    let host = Array("www.example.org".utf8)
    let targets = (0..<64).map { Array("/articles/2026/item-\(100_000 + $0).html?page=2".utf8) }
    var output: [UInt8] = []
    var sum: UInt64 = 0
    for index in 0..<count {
      sum &+= template.asksToClose(rowHeaders: row) ? 1 : 0
      output.removeAll(keepingCapacity: true)
      template.encode(
        method: method,
        targetPrefix: [],
        target: targets[index & 63],
        host: host,
        proxyFields: [],
        rowHeaders: row,
        body: body,
        without: [],
        into: &output
      )
      sum &+= UInt64(output.count) &+ UInt64(output[index & 63])
    }
    return sum
  }
}
