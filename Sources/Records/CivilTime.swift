/// A date and time of day in UTC, in the Gregorian calendar, from a count of seconds.
package struct CivilTime: Equatable, Sendable {
  /// 1970 ... 9999.
  package let year: Int
  /// 1 ... 12.
  package let month: Int
  /// 1 ... 31.
  package let day: Int
  /// 0 ... 23.
  package let hour: Int
  /// 0 ... 59.
  package let minute: Int
  /// 0 ... 59; leap seconds do not exist here.
  package let second: Int

  /// 9999-12-31T23:59:59Z, the last second that RFC 3339 can write.
  package static let lastUnixSecond: UInt64 = 253_402_300_799

  /// From seconds since 1970 without leap seconds; anything later than `lastUnixSecond` counts as that.
  package init(unixSeconds: UInt64) {
    let seconds = Int(min(unixSeconds, Self.lastUnixSecond))
    let secondOfDay = seconds % 86_400
    hour = secondOfDay / 3_600
    minute = secondOfDay / 60 % 60
    second = secondOfDay % 60

    // Years are counted from March, so that the leap day is the last of its year, and in eras of 400 years,
    // which all have 146,097 days; 719,468 days lie between 0000-03-01 and 1970-01-01.
    let days = seconds / 86_400 + 719_468
    let era = days / 146_097
    let dayOfEra = days % 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    // Months from March have 31, 30, 31, 30, 31 days in turn, 153 together.
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
    month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0)
  }
}

/// Writes RFC 3339 times in UTC with microseconds, and formats a second only once while it lasts.
struct TimestampFormatter: Sendable {
  /// The second that `prefix` shows; none at first.
  private var second = UInt64.max
  /// `YYYY-MM-DDTHH:MM:SS.`
  private var prefix = InlineArray<20, UInt8>(repeating: 0)

  /// Writes the time that is `microseconds` after 1970.
  mutating func write(microseconds: UInt64, to line: inout LineCursor) {
    let latest = CivilTime.lastUnixSecond * 1_000_000 + 999_999
    let (second, fraction) = min(microseconds, latest).quotientAndRemainder(dividingBy: 1_000_000)
    if second != self.second { format(second) }
    let start = line.claim(20)
    for index in 0..<20 { start[index] = prefix[index] }
    line.sixDigits(fraction)
    line.literal("Z")
  }

  private mutating func format(_ second: UInt64) {
    let time = CivilTime(unixSeconds: second)
    self.second = second
    put(time.year / 100, at: 0)
    put(time.year % 100, at: 2)
    prefix[4] = UInt8(ascii: "-")
    put(time.month, at: 5)
    prefix[7] = UInt8(ascii: "-")
    put(time.day, at: 8)
    prefix[10] = UInt8(ascii: "T")
    put(time.hour, at: 11)
    prefix[13] = UInt8(ascii: ":")
    put(time.minute, at: 14)
    prefix[16] = UInt8(ascii: ":")
    put(time.second, at: 17)
    prefix[19] = UInt8(ascii: ".")
  }

  private mutating func put(_ value: Int, at index: Int) {
    prefix[index] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value / 10)
    prefix[index + 1] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value % 10)
  }
}
