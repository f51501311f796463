import Glibc

/// The type of a record or a question; RFC 1035 section 3.2.2, RFC 3596.
package struct RecordType: Hashable, Sendable {
  package let code: UInt16

  package init(code: UInt16) { self.code = code }

  package static let ipv4 = RecordType(code: 1)
  package static let nameServer = RecordType(code: 2)
  package static let alias = RecordType(code: 5)
  package static let authority = RecordType(code: 6)
  package static let ipv6 = RecordType(code: 28)
}

/// What a client asks.
package struct Question: Hashable, Sendable {
  /// In lower case, without a dot at its end; "" for the root.
  package let name: String
  package let type: RecordType
  package let isOverTCP: Bool
  /// Bytes that a UDP answer may have: 512, or what EDNS says (RFC 6891).
  package let room: Int
  package let hasEDNS: Bool
}

/// A record of an answer.
package struct Record: Hashable, Sendable {
  package enum Content: Hashable, Sendable {
    /// 4 or 16 bytes.
    case address([UInt8])
    case alias(String)
    /// Whatever bytes, of whatever type.
    case raw(RecordType, [UInt8])
  }

  package var name: String
  package var ttl: UInt32
  package var content: Content

  package init(_ name: String, ttl: UInt32, _ content: Content) {
    self.name = name
    self.ttl = ttl
    self.content = content
  }

  var type: RecordType {
    switch content {
    case .alias: .alias
    case .address(let bytes): bytes.count == 4 ? .ipv4 : .ipv6
    case .raw(let type, _): type
    }
  }
}

/// What is answered, and how.
package struct Response: Hashable, Sendable {
  /// RFC 1035 section 4.1.1, RCODE.
  package enum Status: UInt8, Sendable {
    case noError = 0
    case formatError = 1
    case serverFailure = 2
    case noSuchName = 3
    case notImplemented = 4
    case refused = 5
    /// DSO-TYPE Not Implemented, RFC 8490: one that no resolver expects.
    case typeNotImplemented = 11
  }

  /// What is wrong with the message.
  package enum Fault: Hashable, Sendable {
    case none
    /// Nothing is sent.
    case silent
    /// Over UDP, no records and the bit that asks to come over TCP.
    case truncated
    /// That, over TCP as well.
    case alwaysTruncated
    case wrongID
    case wrongQuestion
    /// Bytes that are no message.
    case garbage
    /// Nothing over UDP that yet is a datagram.
    case empty
    /// A message that ends inside its last record.
    case cutShort
  }

  package var status: Status
  package var records: [Record]
  package var fault = Fault.none
  package var delay = Duration.zero

  package init(_ status: Status, _ records: [Record] = []) {
    self.status = status
    self.records = records
  }

  /// Those of the addresses that are of the type asked for; without any, that there are none.
  package static func addresses(_ texts: [String], ttl: UInt32 = 60, to question: Question) -> Response {
    Response(.noError, records(question.name, texts, ttl, question.type))
  }

  /// Aliases, each of the one before, and the addresses of the last.
  package static func aliases(
    _ chain: [(name: String, ttl: UInt32)],
    _ texts: [String],
    ttl: UInt32 = 60,
    to question: Question
  ) -> Response {
    var owner = question.name
    var records: [Record] = []
    for link in chain {
      records.append(Record(owner, ttl: link.ttl, .alias(link.name)))
      owner = link.name
    }
    return Response(.noError, records + Self.records(owner, texts, ttl, question.type))
  }

  package static let noSuchName = Response(.noSuchName)
  package static let noData = Response(.noError)
  package static let serverFailure = Response(.serverFailure)
  package static let refused = Response(.refused)
  package static let silent = noData.with(.silent)

  /// The same, wrong in that way.
  package func with(_ fault: Fault) -> Response {
    var response = self
    response.fault = fault
    return response
  }

  /// The same, later.
  package func after(_ delay: Duration) -> Response {
    var response = self
    response.delay = delay
    return response
  }

  private static func records(_ name: String, _ texts: [String], _ ttl: UInt32, _ type: RecordType) -> [Record] {
    texts.compactMap { text -> Record? in
      guard let bytes = bytes(of: text), (bytes.count == 4 ? RecordType.ipv4 : .ipv6) == type else { return nil }
      return Record(name, ttl: ttl, .address(bytes))
    }
  }

  private static func bytes(of text: String) -> [UInt8]? {
    var (v4, v6) = (in_addr(), in6_addr())
    if inet_pton(AF_INET, text, &v4) == 1 { return withUnsafeBytes(of: v4) { Array($0) } }
    if inet_pton(AF_INET6, text, &v6) == 1 { return withUnsafeBytes(of: v6) { Array($0) } }
    preconditionFailure("\(text) is no address")
  }
}
