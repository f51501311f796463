/// The three forms of a date in a field (RFC 9110 section 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`,
/// `Sunday, 06-Nov-94 08:49:37 GMT` and `Sun Nov  6 08:49:37 1994`. Pure.
package enum HTTPDate {
  private static let fiftyYears = 50 * 31_556_952

  private struct CivilDate {
    let year: Int
    let month: Int
    let day: Int
  }

  /// Seconds since 1970, negative before; nil for what is no date. Upper and lower case differ, as the grammar says;
  /// whether the name of the day fits the date is not looked at. `now`, in the same seconds, tells the century of a
  /// year with two digits.
  package static func unixSeconds(_ value: Span<UInt8>, now: Int) -> Int? {
    guard value.count >= 24 else { return nil }
    if value[3] == UInt8(ascii: ",") { return fixed(value) }
    if value[3] == UInt8(ascii: " ") { return asctime(value) }
    return obsolete(value, now: now)
  }

  // MARK: Forms

  private static func fixed(_ value: Span<UInt8>) -> Int? {
    guard value.count == 29, isShortDayName(value), isText(" ", value, at: 4), isText(" ", value, at: 7),
      isText(" ", value, at: 11), isText(" ", value, at: 16), isText(" GMT", value, at: 25),
      let day = number(value, at: 5, digits: 2), let month = month(value, at: 8),
      let year = number(value, at: 12, digits: 4), let time = timeOfDay(value, at: 17)
    else { return nil }
    return seconds(CivilDate(year: year, month: month, day: day), time)
  }

  private static func asctime(_ value: Span<UInt8>) -> Int? {
    let isPadded = value[8] == UInt8(ascii: " ")
    guard value.count == 24, isShortDayName(value), isText(" ", value, at: 7), isText(" ", value, at: 10),
      isText(" ", value, at: 19), let month = month(value, at: 4),
      let day = isPadded ? number(value, at: 9, digits: 1) : number(value, at: 8, digits: 2),
      let time = timeOfDay(value, at: 11), let year = number(value, at: 20, digits: 4)
    else { return nil }
    return seconds(CivilDate(year: year, month: month, day: day), time)
  }

  private static func obsolete(_ value: Span<UInt8>, now: Int) -> Int? {
    // What follows the name of the day has a fixed length.
    let comma = value.count - 24
    guard isLongDayName(value, length: comma), isText(", ", value, at: comma), isText("-", value, at: comma + 4),
      isText("-", value, at: comma + 8), isText(" ", value, at: comma + 11), isText(" GMT", value, at: comma + 20),
      let day = number(value, at: comma + 2, digits: 2), let month = month(value, at: comma + 5),
      let shortYear = number(value, at: comma + 9, digits: 2), let time = timeOfDay(value, at: comma + 12)
    else { return nil }
    // The latest year of that ending which is not more than 50 years ahead.
    var year = (1970 + now / 31_556_952) / 100 * 100 + 100 + shortYear
    while year > 1900, daysSince1970(CivilDate(year: year, month: month, day: 1)) * 86_400 > now + fiftyYears {
      year -= 100
    }
    return seconds(CivilDate(year: year, month: month, day: day), time)
  }

  // MARK: Parts

  private static func isText(_ text: StaticString, _ value: Span<UInt8>, at start: Int) -> Bool {
    guard value.count >= start + text.utf8CodeUnitCount else { return false }
    for index in 0..<text.utf8CodeUnitCount where value[start + index] != text.utf8Start[index] { return false }
    return true
  }

  private static func number(_ value: Span<UInt8>, at start: Int, digits: Int) -> Int? {
    var number = 0
    for index in start..<start + digits {
      guard value[index] >= 0x30, value[index] <= 0x39 else { return nil }
      number = number * 10 + Int(value[index] - 0x30)
    }
    return number
  }

  private static func isShortDayName(_ value: Span<UInt8>) -> Bool {
    let names: [StaticString] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    for name in names where isText(name, value, at: 0) { return true }
    return false
  }

  private static func isLongDayName(_ value: Span<UInt8>, length: Int) -> Bool {
    let names: [StaticString] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
    for name in names where name.utf8CodeUnitCount == length && isText(name, value, at: 0) { return true }
    return false
  }

  /// 1 ... 12.
  private static func month(_ value: Span<UInt8>, at start: Int) -> Int? {
    let names: [StaticString] = [
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
    for (index, name) in names.enumerated() where isText(name, value, at: start) { return index + 1 }
    return nil
  }

  /// Seconds of the day from `HH:MM:SS`. A leap second is the first of the next minute.
  private static func timeOfDay(_ value: Span<UInt8>, at start: Int) -> Int? {
    guard let hour = number(value, at: start, digits: 2), let minute = number(value, at: start + 3, digits: 2),
      let second = number(value, at: start + 6, digits: 2), isText(":", value, at: start + 2),
      isText(":", value, at: start + 5), hour < 24, minute < 60, second <= 60
    else { return nil }
    return hour * 3600 + minute * 60 + second
  }

  private static func seconds(_ date: CivilDate, _ timeOfDay: Int) -> Int? {
    guard date.year >= 1, date.day >= 1, date.day <= daysInMonth(date) else { return nil }
    return daysSince1970(date) * 86_400 + timeOfDay
  }

  private static func daysInMonth(_ date: CivilDate) -> Int {
    switch date.month {
    case 2: isLeapYear(date.year) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  private static func isLeapYear(_ year: Int) -> Bool {
    year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400))
  }

  private static func daysSince1970(_ date: CivilDate) -> Int {
    // Years are counted from March, so that the leap day is the last of its year; 719,468 days lie between 0000-03-01
    // and 1970-01-01.
    let year = date.month <= 2 ? date.year - 1 : date.year
    let month = date.month <= 2 ? date.month + 9 : date.month - 3
    let dayOfYear = (153 * month + 2) / 5 + date.day - 1
    return 365 * year + year / 4 - year / 100 + year / 400 + dayOfYear - 719_468
  }
}
