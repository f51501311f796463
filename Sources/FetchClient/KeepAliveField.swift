import FetchModel

/// The Keep-Alive field of a response, which says how long its server lets a connection rest (RFC 2068 section
/// 19.7.1.1). Pure.
package enum KeepAliveField {
  /// Seconds of the parameter `timeout`; nil if the value has none that is a number.
  package static func timeout(_ value: Span<UInt8>) -> UInt64? {
    var start = 0
    while start < value.count {
      var end = start
      while end < value.count, value[end] != UInt8(ascii: ",") { end += 1 }
      if let seconds = number(named: "timeout", in: value.extracting(start..<end)) { return seconds }
      start = end + 1
    }
    return nil
  }

  /// Nanoseconds that a connection rests at most: a second less than was announced, or half if that is less than two,
  /// so that a request does not meet the server's close on its way.
  package static func idleLifetime(announced: UInt64?, longest: UInt64) -> UInt64 {
    guard let announced else { return longest }
    let limit = min(announced, 1_000_000) * 1_000_000_000
    return min(longest, limit - min(1_000_000_000, limit / 2))
  }

  private static func number(named name: StaticString, in parameter: Span<UInt8>) -> UInt64? {
    func isSpace(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
    var index = 0
    while index < parameter.count, isSpace(parameter[index]) { index += 1 }
    let length = name.utf8CodeUnitCount
    guard index + length < parameter.count else { return nil }
    for offset in 0..<length where parameter[index + offset] | 0x20 != name.utf8Start[offset] { return nil }
    index += length
    while index < parameter.count, isSpace(parameter[index]) { index += 1 }
    guard index < parameter.count, parameter[index] == UInt8(ascii: "=") else { return nil }
    index += 1
    var value: UInt64?
    while index < parameter.count {
      let byte = parameter[index]
      index += 1
      if isSpace(byte) { continue }
      guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9"), value ?? 0 < 1 << 32 else { return nil }
      value = (value ?? 0) * 10 + UInt64(byte - UInt8(ascii: "0"))
    }
    return value
  }
}
