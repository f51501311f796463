import Foundation
import Records
import Testing

@Suite struct CivilTimeTests {
  private func text(_ microseconds: UInt64) -> String? {
    var fields = RecordFields(seq: 1)
    fields.startedAt = microseconds
    return line(fields).string("started_at")
  }

  @Test(
    arguments: [
      (0, "1970-01-01T00:00:00.000000Z"),
      (1, "1970-01-01T00:00:00.000001Z"),
      (86_399_999_999, "1970-01-01T23:59:59.999999Z"),
      (86_400_000_000, "1970-01-02T00:00:00.000000Z"),
      (68_255_999_000_000, "1972-02-29T23:59:59.000000Z"),
      (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"),
      (951_868_800_000_000, "2000-03-01T00:00:00.000000Z"),
      (978_307_199_999_999, "2000-12-31T23:59:59.999999Z"),
      (1_709_164_800_000_000, "2024-02-29T00:00:00.000000Z"),
      (1_709_251_200_000_000, "2024-03-01T00:00:00.000000Z"),
      (1_795_366_800_123_456, "2026-11-22T17:00:00.123456Z"),
      (2_147_483_648_000_000, "2038-01-19T03:14:08.000000Z"),
      (4_107_542_399_999_999, "2100-02-28T23:59:59.999999Z"),
      (4_107_542_400_000_000, "2100-03-01T00:00:00.000000Z"),
      (253_402_300_799_999_999, "9999-12-31T23:59:59.999999Z"),
      (253_402_300_800_000_000, "9999-12-31T23:59:59.999999Z"),
      (.max, "9999-12-31T23:59:59.999999Z"),
    ] as [(UInt64, String)]
  )
  func `times are written in UTC to the microsecond`(microseconds: UInt64, expected: String) {
    #expect(text(microseconds) == expected)
  }

  @Test func `the calendar agrees with Foundation's`() {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = .gmt
    var random = SeededGenerator(seed: 1970)
    // Every 17 days up to the year 2120, then anywhere up to 9999.
    var moments = stride(from: 0, to: 4_733_510_400, by: 17 * 86_400 + 11).map { UInt64($0) }
    moments += (0..<2_000).map { _ in UInt64.random(in: 0...CivilTime.lastUnixSecond, using: &random) }
    for moment in moments {
      let date = Date(timeIntervalSince1970: TimeInterval(moment))
      let parts = calendar.dateComponents([.year, .month, .day, .hour, .minute, .second], from: date)
      let time = CivilTime(unixSeconds: moment)
      #expect(time.year == parts.year && time.month == parts.month && time.day == parts.day, "\(moment)")
      #expect(time.hour == parts.hour && time.minute == parts.minute && time.second == parts.second, "\(moment)")
    }
  }

  @Test func `a writer that keeps a second writes others rightly too`() {
    var writer = RecordWriter(agent: [])
    var block: [UInt8] = []
    var fields = RecordFields(seq: 1)
    for microseconds in [999_999, 1_000_000, 1_000_001, 999_998, 59_999_999, 60_000_000] as [UInt64] {
      block.removeAll()
      fields.startedAt = microseconds
      _ = append(fields, with: &writer, url: nil, head: [], body: nil, to: &block)
      let expected = text(microseconds) ?? "none"
      #expect(String(decoding: block, as: UTF8.self).contains(#""started_at":"\#(expected)""#))
    }
  }
}
