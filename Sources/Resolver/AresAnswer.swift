import CAres
import Glibc
import PosixIO

/// What the library's statuses and answers mean.
enum AresAnswer {
  /// More addresses than this of one name are not used.
  private static let mostAddresses = 64

  static func reply(_ ticket: AresChannel.Ticket, _ status: Int32, _ bytes: UnsafeBufferPointer<UInt8>) -> ServerReply {
    switch status {
    case ARES_SUCCESS, ARES_ENODATA:
      // That a probe was answered says all.
      guard case .question(_, let family) = ticket else { return .noAddress }
      if let failure = failure(bytes) { return failure }
      if status == ARES_ENODATA { return .noAddress }
      return family == .ipv4 ? ipv4(bytes) : ipv6(bytes)
    case ARES_ENOTFOUND: return .notFound
    case ARES_ESERVFAIL: return .failed("failed (SERVFAIL)")
    case ARES_EREFUSED: return .failed("refused to answer (REFUSED)")
    case ARES_ENOTIMP: return .failed("does not know the question (NOTIMP)")
    case ARES_EFORMERR: return .failed("does not understand the question (FORMERR)")
    case ARES_EBADRESP: return malformed
    case ARES_EBADNAME, ARES_EBADQUERY: return .unaskable
    case ARES_ETIMEOUT: return .silent
    // Also if nothing could be sent.
    case ARES_ECONNREFUSED: return .unreachable("unreachable or refused")
    default: return .unreachable(text(of: status))
    }
  }

  static func text(of status: Int32) -> String { String(cString: ares_strerror(status)) }

  /// Whether an answer over UDP is only the beginning of one: it says so, or it has more bytes than the library expects
  /// and so leaves out; it expects 512 or, with EDNS, what we say.
  static func isCut(_ reply: ServerReply, _ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    AnswerSection(bytes)?.isTruncated ?? false || reply == malformed && bytes.count >= 512
  }

  private static let malformed = ServerReply.failed("sent a malformed answer")

  /// Why what the library takes for an answer is none.
  private static func failure(_ bytes: UnsafeBufferPointer<UInt8>) -> ServerReply? {
    // From a search it may come without a message.
    guard let answer = AnswerSection(bytes) else { return nil }
    if answer.responseCode != 0 { return .failed("failed (RCODE \(answer.responseCode))") }
    return answer.isTruncated ? .failed("sent a truncated answer") : nil
  }

  /// Whether the library has left records out: some that are malformed, or all.
  private static func isComplete(_ bytes: UnsafeBufferPointer<UInt8>, type: Int, length: Int, found: Int) -> Bool {
    guard let records = AnswerSection(bytes)?.records(ofType: type, bytes: length) else { return false }
    return records.areWhole && (found > 0 || records.count == 0)
  }

  private static func ipv4(_ bytes: UnsafeBufferPointer<UInt8>) -> ServerReply {
    withUnsafeTemporaryAllocation(of: ares_addrttl.self, capacity: mostAddresses) { entries in
      var count = Int32(entries.count)
      let status = ares_parse_a_reply(bytes.baseAddress, Int32(bytes.count), nil, entries.baseAddress, &count)
      let found = entries.prefix(status == ARES_SUCCESS ? Int(count) : 0)
      let addresses = found.compactMap { entry in
        withUnsafeBytes(of: entry.ipaddr) { SocketAddress(octets: $0, port: 0) }
      }
      if status == ARES_SUCCESS || status == ARES_ENODATA,
        !isComplete(bytes, type: Int(AresChannel.typeA), length: 4, found: found.count)
      {
        return malformed
      }
      return reply(status, addresses, found.map(\.ttl))
    }
  }

  private static func ipv6(_ bytes: UnsafeBufferPointer<UInt8>) -> ServerReply {
    withUnsafeTemporaryAllocation(of: ares_addr6ttl.self, capacity: mostAddresses) { entries in
      var count = Int32(entries.count)
      let status = ares_parse_aaaa_reply(bytes.baseAddress, Int32(bytes.count), nil, entries.baseAddress, &count)
      let found = entries.prefix(status == ARES_SUCCESS ? Int(count) : 0)
      let addresses = found.compactMap { entry in
        withUnsafeBytes(of: entry.ip6addr) { SocketAddress(octets: $0, port: 0) }
      }
      if status == ARES_SUCCESS || status == ARES_ENODATA,
        !isComplete(bytes, type: Int(AresChannel.typeAAAA), length: 16, found: found.count)
      {
        return malformed
      }
      return reply(status, addresses, found.map(\.ttl))
    }
  }

  /// The library has taken the TTLs of aliases into account.
  private static func reply(_ status: Int32, _ addresses: [SocketAddress], _ ttls: [Int32]) -> ServerReply {
    switch status {
    case ARES_SUCCESS where addresses.isEmpty: return .noAddress
    case ARES_SUCCESS:
      var unique: [SocketAddress] = []
      for address in addresses where !unique.contains(address) { unique.append(address) }
      // RFC 2181 section 8: a TTL with the highest bit set means 0.
      return .addresses(unique, ttlSeconds: UInt32(max(0, ttls.min() ?? 0)))
    case ARES_ENODATA: return .noAddress
    case ARES_ENOMEM: return .unreachable(text(of: status))
    default: return malformed
    }
  }
}
