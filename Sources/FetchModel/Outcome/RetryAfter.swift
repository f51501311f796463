/// The pause that a Retry-After value asks for (RFC 9110 section 10.2.3). Pure.
package enum RetryAfter {
  /// More is not believed: a job would never end for one header field.
  package static let longestMilliseconds: UInt64 = 3_600_000

  /// What `milliseconds` that somebody says an origin asked for come to.
  package static func nanoseconds(milliseconds: UInt64) -> UInt64 {
    min(milliseconds, longestMilliseconds) * 1_000_000
  }

  /// Milliseconds, at most `longestMilliseconds`; nil if the value is neither a number of seconds nor a date that lies
  /// ahead. A date is meant by the clock of whoever sent it: `date` is the Date field of the same response, and only
  /// without a valid one is it compared with this machine's time.
  package static func milliseconds(_ value: Span<UInt8>, date: Span<UInt8>?, wallMicroseconds: UInt64) -> UInt64? {
    if let seconds = seconds(value) { return min(seconds * 1000, longestMilliseconds) }
    let here = Int(wallMicroseconds / 1_000_000)
    guard let until = HTTPDate.unixSeconds(value, now: here) else { return nil }
    let pause: Int
    if let date, let there = HTTPDate.unixSeconds(date, now: here) {
      pause = (until - there) * 1000
    } else {
      pause = until * 1000 - Int(wallMicroseconds / 1000)
    }
    return pause > 0 ? min(UInt64(pause), longestMilliseconds) : nil
  }

  private static func seconds(_ value: Span<UInt8>) -> UInt64? {
    guard value.count > 0, value.count <= 10 else { return nil }
    var seconds: UInt64 = 0
    for index in value.indices {
      guard value[index] >= 0x30, value[index] <= 0x39 else { return nil }
      seconds = seconds * 10 + UInt64(value[index] - 0x30)
    }
    return seconds
  }
}
