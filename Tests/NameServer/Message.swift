// Messages of RFC 1035 section 4, as far as a test needs them.

/// A question as it came.
struct ReceivedQuestion {
  let question: Question
  /// ID and flags.
  private let id: (UInt8, UInt8)
  private let isRecursionDesired: Bool
  /// The question section, which is repeated in the answer.
  private let section: [UInt8]

  /// nil if it is no question.
  init?(_ message: [UInt8], isOverTCP: Bool) {
    guard message.count > 16, message[2] & 0x80 == 0, message[4] == 0, message[5] == 1 else { return nil }
    var labels: [String] = []
    var place = 12
    while place < message.count, message[place] != 0 {
      let end = place + 1 + Int(message[place])
      guard message[place] < 64, end < message.count else { return nil }
      labels.append(String(decoding: message[(place + 1)..<end], as: UTF8.self).lowercased())
      place = end
    }
    let end = place + 5
    guard end <= message.count else { return nil }
    section = Array(message[12..<end])
    id = (message[0], message[1])
    isRecursionDesired = message[2] & 1 != 0
    // The only additional record of a question is that of EDNS: root, type 41, size.
    let hasEDNS = message.count >= end + 11 && message[end] == 0 && message[end + 1] == 0 && message[end + 2] == 41
    question = Question(
      name: labels.joined(separator: "."),
      type: RecordType(code: UInt16(message[place + 1]) << 8 | UInt16(message[place + 2])),
      isOverTCP: isOverTCP,
      room: hasEDNS ? Int(message[end + 3]) << 8 | Int(message[end + 4]) : 512,
      hasEDNS: hasEDNS
    )
  }

  /// The message that answers; nil for none.
  func message(_ response: Response) -> [UInt8]? {
    switch response.fault {
    case .none: whole(response)
    case .silent: nil
    case .truncated: question.isOverTCP ? whole(response) : truncated(response)
    case .alwaysTruncated: truncated(response)
    case .wrongID: [id.0 ^ 0x55, id.1 ^ 0x55] + whole(response).dropFirst(2)
    case .wrongQuestion: misdirected(response)
    case .empty: []
    case .garbage: [id.0, id.1] + [UInt8](repeating: 0xC0, count: 40)
    case .cutShort: whole(response).dropLast(3)
    }
  }

  private func whole(_ response: Response) -> [UInt8] {
    var bytes = header(response, records: response.records.count, isTruncated: false)
    for record in response.records { append(record, to: &bytes) }
    if response.records.isEmpty { appendAuthority(to: &bytes) }
    return !question.isOverTCP && bytes.count > question.room ? truncated(response) : bytes
  }

  private func truncated(_ response: Response) -> [UInt8] {
    header(response, records: 0, isTruncated: true, authorities: 0)
  }

  /// The answer to another name of the same length.
  private func misdirected(_ response: Response) -> [UInt8] {
    var bytes = whole(response)
    if bytes.count > 13 { bytes[13] = bytes[13] == UInt8(ascii: "q") ? UInt8(ascii: "z") : UInt8(ascii: "q") }
    return bytes
  }

  private func header(_ response: Response, records: Int, isTruncated: Bool, authorities: Int? = nil) -> [UInt8] {
    let flags = 0x84 | (isTruncated ? 0x02 : 0) | (isRecursionDesired ? 0x01 : 0)
    let authorities = authorities ?? (records == 0 ? 1 : 0)
    return [id.0, id.1, UInt8(flags), 0x80 | response.status.rawValue, 0, 1]
      + Self.bytes(UInt16(records)) + [0, UInt8(authorities), 0, 0] + section
  }

  private func append(_ record: Record, to bytes: inout [UInt8]) {
    if record.name == question.name {
      // The name of the question.
      bytes += [0xC0, 12]
    } else {
      bytes += Self.encoded(record.name)
    }
    bytes += Self.bytes(record.type.code) + [0, 1]
    bytes += Self.bytes(UInt16(record.ttl >> 16)) + Self.bytes(UInt16(truncatingIfNeeded: record.ttl))
    let content: [UInt8] =
      switch record.content {
      case .address(let address): address
      case .alias(let name): Self.encoded(name)
      case .raw(_, let bytes): bytes
      }
    bytes += Self.bytes(UInt16(content.count)) + content
  }

  /// SOA of the root: negative answers live for 900 s.
  private func appendAuthority(to bytes: inout [UInt8]) {
    let numbers: [UInt8] = [1, 1, 1, 1].flatMap { [0, 0, 0, $0] } + [0, 0, 3, 0x84]
    let content = Self.encoded("ns.invalid") + Self.encoded("who.invalid") + numbers
    bytes += [0] + Self.bytes(RecordType.authority.code) + [0, 1, 0, 0, 3, 0x84]
    bytes += Self.bytes(UInt16(content.count)) + content
  }

  private static func bytes(_ number: UInt16) -> [UInt8] { [UInt8(number >> 8), UInt8(truncatingIfNeeded: number)] }

  private static func encoded(_ name: String) -> [UInt8] {
    name.utf8.split(separator: UInt8(ascii: ".")).flatMap { [UInt8($0.count)] + $0 } + [0]
  }
}
