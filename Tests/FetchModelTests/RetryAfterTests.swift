import FetchModel
import Testing

/// Sun, 06 Nov 1994 08:49:37 GMT.
private let example = 784_111_777
/// Wed, 21 Oct 2026 07:28:00 GMT.
private let autumn = 1_792_567_680

@Suite struct HTTPDateTests {
  private static func seconds(_ text: String, now: Int = autumn) -> Int? {
    HTTPDate.unixSeconds(Array(text.utf8).span, now: now)
  }

  @Test func `the three forms name the same second`() {
    #expect(Self.seconds("Sun, 06 Nov 1994 08:49:37 GMT") == example)
    #expect(Self.seconds("Sunday, 06-Nov-94 08:49:37 GMT") == example)
    #expect(Self.seconds("Sun Nov  6 08:49:37 1994") == example)
    #expect(Self.seconds("Wed Oct 21 07:28:00 2026") == autumn)
    #expect(Self.seconds("Wed, 21 Oct 2026 07:28:00 GMT") == autumn)
    #expect(Self.seconds("Wednesday, 21-Oct-26 07:28:00 GMT") == autumn)
  }

  @Test(arguments: [
    ("Thu, 01 Jan 1970 00:00:00 GMT", 0), ("Wed, 31 Dec 1969 23:59:59 GMT", -1),
    ("Tue, 29 Feb 2000 00:00:00 GMT", 951_782_400), ("Wed, 01 Mar 2000 00:00:00 GMT", 951_868_800),
    ("Thu, 29 Feb 2024 12:00:00 GMT", 1_709_208_000), ("Mon, 01 Mar 2100 00:00:00 GMT", 4_107_542_400),
    ("Fri, 31 Dec 9999 23:59:59 GMT", 253_402_300_799), ("Sat, 31 Dec 2016 23:59:60 GMT", 1_483_228_800),
  ])
  func `leap years, ends of centuries and leap seconds are counted`(_ text: String, _ expected: Int) {
    #expect(Self.seconds(text) == expected)
  }

  @Test func `every day from 1970 to 2200 follows the one before`() {
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    var expected = 0
    for year in 1970..<2200 {
      for month in months {
        for day in 1...31 {
          guard let found = Self.seconds("Mon, \(day < 10 ? "0" : "")\(day) \(month) \(year) 00:00:00 GMT") else {
            #expect(day > 28)
            continue
          }
          #expect(found == expected)
          expected += 86_400
        }
      }
    }
  }

  @Test func `a year with two digits is at most fifty years ahead`() {
    #expect(Self.seconds("Sunday, 06-Nov-77 08:49:37 GMT") == Self.seconds("Sun, 06 Nov 1977 08:49:37 GMT"))
    #expect(Self.seconds("Sunday, 06-Nov-75 08:49:37 GMT") == Self.seconds("Sun, 06 Nov 2075 08:49:37 GMT"))
    let century = Self.seconds("Fri, 31 Dec 2099 00:00:00 GMT") ?? 0
    #expect(
      Self.seconds("Friday, 01-Jan-00 00:00:05 GMT", now: century) == Self.seconds("Fri, 01 Jan 2100 00:00:05 GMT")
    )
    #expect(
      Self.seconds("Friday, 31-Dec-99 00:00:05 GMT", now: century) == Self.seconds("Thu, 31 Dec 2099 00:00:05 GMT")
    )
  }

  @Test(arguments: [
    "", "0", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Nov 1994 08:49:37 +0000",
    "Sun, 6 Nov 1994 08:49:37 GMT", "sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 nov 1994 08:49:37 GMT",
    "Sun, 06 Nov 1994 08:49:37 GMT ", " Sun, 06 Nov 1994 08:49:37 GMT", "Sun 06 Nov 1994 08:49:37 GMT",
    "Sun, 06-Nov-1994 08:49:37 GMT", "Sun, 06-Nov-94 08:49:37 GMT", "Sunday, 06-Nov-1994 08:49:37 GMT",
    "Someday, 06-Nov-94 08:49:37 GMT", "Sunday, 06 Nov 94 08:49:37 GMT", "Foo, 06 Nov 1994 08:49:37 GMT",
    "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 31 Nov 1994 08:49:37 GMT", "Tue, 29 Feb 2023 00:00:00 GMT",
    "Mon, 29 Feb 2100 00:00:00 GMT", "Thu, 30 Feb 2024 00:00:00 GMT", "Sun, 06 Nov 1994 24:00:00 GMT",
    "Sun, 06 Nov 1994 08:60:00 GMT", "Sun, 06 Nov 1994 08:49:61 GMT", "Sun, 06 Nov 1994 8:49:37 GMTx",
    "Sun, 06 Nov 0000 08:49:37 GMT", "Sun, 06 Nov -994 08:49:37 GMT", "Sun Nov 6 08:49:37 1994",
    "Sun Nov 06  08:49:37 1994", "Sun Nov  x 08:49:37 1994", "Sun Nov  6 08:49:37 1994 ", "Sun Nov  0 08:49:37 1994",
    "\u{661}un, 06 Nov 1994 08:49:37 GMT",
  ])
  func `what is no date is none`(_ text: String) {
    #expect(Self.seconds(text) == nil)
  }

  @Test func `no bytes crash the parser`() {
    var state: UInt64 = 7
    func random(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    let forms = ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
    for round in 0..<20_000 {
      var bytes = Array(forms[round % 3].utf8.prefix(20 + random(12)))
      for _ in 0..<random(4) { bytes[random(bytes.count)] = UInt8(random(256)) }
      _ = HTTPDate.unixSeconds(bytes.span, now: autumn)
    }
  }
}

@Suite struct RetryAfterTests {
  private static func milliseconds(_ text: String, date: String? = nil, wall: Int = autumn * 1_000_000) -> UInt64? {
    let value = Array(text.utf8)
    guard let date else {
      return RetryAfter.milliseconds(value.span, date: nil, wallMicroseconds: UInt64(wall))
    }
    let bytes = Array(date.utf8)
    return RetryAfter.milliseconds(value.span, date: bytes.span, wallMicroseconds: UInt64(wall))
  }

  @Test func `seconds become milliseconds, an hour at most`() {
    #expect(Self.milliseconds("0") == 0)
    #expect(Self.milliseconds("120") == 120_000)
    #expect(Self.milliseconds("0007") == 7000)
    #expect(Self.milliseconds("3600") == 3_600_000)
    #expect(Self.milliseconds("3601") == 3_600_000)
    #expect(Self.milliseconds("9999999999") == 3_600_000)
  }

  @Test(arguments: ["", " ", "-1", "+1", "1.5", "1 ", " 1", "1e3", "0x10", "12345678901", "soon", "\u{661}"])
  func `what is neither seconds nor a date is not taken`(_ text: String) {
    #expect(Self.milliseconds(text) == nil)
  }

  @Test func `a date is meant by the clock of its sender`() {
    let until = "Sun, 06 Nov 1994 08:49:37 GMT"
    #expect(Self.milliseconds(until, date: "Sun, 06 Nov 1994 08:49:30 GMT") == 7000)
    #expect(Self.milliseconds("Sunday, 06-Nov-94 08:49:37 GMT", date: "Sun Nov  6 08:49:36 1994") == 1000)
    // The sender's clock may be ahead of ours.
    #expect(Self.milliseconds("Thu, 22 Oct 2026 07:28:02 GMT", date: "Thu, 22 Oct 2026 07:28:00 GMT") == 2000)
  }

  @Test func `without a valid Date it is meant by ours`() {
    let later = "Wed, 21 Oct 2026 07:28:10 GMT"
    #expect(Self.milliseconds(later) == 10_000)
    #expect(Self.milliseconds(later, date: "yesterday") == 10_000)
    #expect(Self.milliseconds(later, wall: autumn * 1_000_000 + 250_000) == 9750)
  }

  @Test func `a date that is over asks for nothing, and none for more than an hour`() {
    #expect(Self.milliseconds("Wed, 21 Oct 2026 07:28:00 GMT") == nil)
    #expect(Self.milliseconds("Wed, 21 Oct 2026 07:27:59 GMT") == nil)
    #expect(Self.milliseconds("Sun, 06 Nov 1994 08:49:37 GMT", date: "Sun, 06 Nov 1994 08:49:37 GMT") == nil)
    #expect(Self.milliseconds("Fri, 31 Dec 9999 23:59:59 GMT") == RetryAfter.longestMilliseconds)
  }

  @Test func `what others say was asked for is believed as far`() {
    #expect(RetryAfter.nanoseconds(milliseconds: 0) == 0)
    #expect(RetryAfter.nanoseconds(milliseconds: 3_599_999) == 3_599_999_000_000)
    #expect(RetryAfter.nanoseconds(milliseconds: 3_600_001) == 3_600_000_000_000)
    #expect(RetryAfter.nanoseconds(milliseconds: .max) == 3_600_000_000_000)
  }
}
