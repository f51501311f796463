// Finds the name in a ClientHello that nobody has answered yet. Pure.

/// What the first bytes of a TLS connection say about it.
package struct IndicatedName {
  /// How far a hello has come.
  package enum Finding: Equatable {
    case needsMore
    /// Nothing is indicated, or these bytes begin no ClientHello.
    case none
    case found(String)
  }

  private var rest: ArraySlice<UInt8>

  /// The name that the client indicates (RFC 8446 section 4.1.2, RFC 6066 section 3), if the hello fills one record.
  package static func find(in bytes: ArraySlice<UInt8>) -> Finding {
    var record = IndicatedName(rest: bytes)
    guard let kind = record.take(1), bytes.count >= 5 else { return .needsMore }
    // Content type 22 is a handshake message.
    guard kind.first == 22, record.take(2) != nil, let size = record.length(2) else { return .none }
    guard record.rest.count >= size else { return .needsMore }
    var hello = IndicatedName(rest: record.rest.prefix(size))
    return hello.readName() ?? .none
  }

  private mutating func readName() -> Finding? {
    // Message type and length, version, random; then session, cipher suites and compression methods.
    guard take(4)?.first == 1, take(2 + 32) != nil, vector(1) != nil, vector(2) != nil, vector(1) != nil,
      var extensions = vector(2)
    else { return nil }
    while let kind = extensions.length(2), var body = extensions.vector(2) {
      guard kind == 0 else { continue }
      // A list of names, of which the only kind there is, 0, is that of hosts.
      guard var names = body.vector(2), names.length(1) == 0, let name = names.vector(2) else { return nil }
      return .found(String(decoding: name.rest, as: UTF8.self))
    }
    return nil
  }

  private mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
    guard rest.count >= count else { return nil }
    defer { rest = rest.dropFirst(count) }
    return rest.prefix(count)
  }

  /// A number of `bytes` bytes.
  private mutating func length(_ bytes: Int) -> Int? {
    take(bytes)?.reduce(0) { $0 << 8 | Int($1) }
  }

  /// What stands behind its length.
  private mutating func vector(_ bytes: Int) -> IndicatedName? {
    length(bytes).flatMap { take($0) }.map { IndicatedName(rest: $0) }
  }
}
