import FetchModel

/// From a line of the input to what is known of it: all of it for the agent, its origin for the coordinator.
enum RowPath {
  static func url(_ count: Int) throws -> UInt64 { try parse(count, Samples.urls(64)) }

  static func json(_ count: Int) throws -> UInt64 {
    let lines = (0..<64).map { index in
      let text = """
        {"url":"https://api.example.org/v1/items/\(100_000 + index)","method":"POST","id":"a-\(index)",\
        "headers":{"Content-Type":"application/json","X-Request-ID":"a-17"},"body":"{\\"page\\":2}"}
        """
      return Array(text.utf8)
    }
    return try parse(count, lines)
  }

  private static func parse(_ count: Int, _ lines: [[UInt8]]) throws -> UInt64 {
    var row = RowRequest()
    var text: [UInt8] = []
    var sum: UInt64 = 0
    for index in 0..<count {
      let line = lines[index & 63]
      try row.parse(line.span)
      row.exchangeURLText(for: &text)
      sum &+= UInt64(text.count &+ row.url.target.count &+ row.headers.count &+ (row.body?.count ?? 0))
    }
    return sum
  }

  static func origin(_ count: Int) -> UInt64 {
    let lines = Samples.urls(64)
    var row = RowRequest()
    var key: [UInt8] = []
    var sum: UInt64 = 0
    for index in 0..<count {
      let line = lines[index & 63]
      guard !isSkippedLine(line.span), row.parseOrigin(line.span) else { continue }
      key.removeAll(keepingCapacity: true)
      row.url.appendOriginKey(to: &key)
      sum &+= UInt64(key.count)
    }
    return sum
  }
}
