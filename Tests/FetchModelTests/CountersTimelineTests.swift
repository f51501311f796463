import FetchModel
import Testing

@Suite struct CountersTimelineTests {
  private let millisecond: UInt64 = 1_000_000

  private func isClose(_ value: Double?, to expected: Double, within share: Double) -> Bool {
    guard let value else { return false }
    return abs(value - expected) <= expected * share
  }

  @Test func `too few samples give no rate`() {
    var timeline = RateTimeline()
    #expect(timeline.rate(ofTenth: 0) == nil)
    for step in 0..<9 as Range<UInt64> { timeline.add(rows: step * 10, at: Instant(nanoseconds: step * millisecond)) }
    #expect(timeline.rate(ofTenth: 9) == nil)
    timeline.add(rows: 90, at: Instant(nanoseconds: 9 * millisecond))
    #expect(isClose(timeline.rate(ofTenth: 9), to: 10_000, within: 1e-9))
  }

  @Test func `rows that took no time give no rate`() {
    var timeline = RateTimeline()
    for step in 0..<100 as Range<UInt64> { timeline.add(rows: step, at: .zero) }
    #expect(timeline.rate(ofTenth: 0) == nil)
  }

  @Test(arguments: [100, 2_047, 2_048, 2_049, 5_000, 300_000] as [UInt64])
  func `a steady rate is found in every tenth, however often samples were thinned`(steps: UInt64) {
    var timeline = RateTimeline()
    let start: UInt64 = 77_000_000
    for step in 0...steps {
      timeline.add(rows: 1_000 + step * 256, at: Instant(nanoseconds: start + step * millisecond))
    }
    for tenth in 0...9 { #expect(isClose(timeline.rate(ofTenth: tenth), to: 256_000, within: 0.001)) }
  }

  @Test func `first and last tenth show a run that slows down`() {
    var timeline = RateTimeline()
    var now: UInt64 = 0
    timeline.add(rows: 0, at: .zero)
    for row in 1...200_000 as ClosedRange<UInt64> {
      // Twice the time for each row of the second half.
      now += row <= 100_000 ? 1_000 : 2_000
      timeline.add(rows: row, at: Instant(nanoseconds: now))
    }
    #expect(isClose(timeline.rate(ofTenth: 0), to: 1_000_000, within: 0.01))
    #expect(isClose(timeline.rate(ofTenth: 4), to: 1_000_000, within: 0.01))
    #expect(isClose(timeline.rate(ofTenth: 5), to: 500_000, within: 0.01))
    #expect(isClose(timeline.rate(ofTenth: 9), to: 500_000, within: 0.01))
  }

  @Test func `a fast beginning before a long slow end keeps its samples`() {
    var timeline = RateTimeline()
    var now: UInt64 = 0
    var rows: UInt64 = 0
    timeline.add(rows: 0, at: .zero)
    // 90 % of the rows in a hundred steps, the others in 100,000.
    for _ in 0..<100 {
      rows += 9_000
      now += millisecond
      timeline.add(rows: rows, at: Instant(nanoseconds: now))
    }
    for _ in 0..<100_000 {
      rows += 1
      now += millisecond
      timeline.add(rows: rows, at: Instant(nanoseconds: now))
    }
    #expect(isClose(timeline.rate(ofTenth: 0), to: 9_000_000, within: 0.01))
    #expect(isClose(timeline.rate(ofTenth: 9), to: 1_000, within: 0.02))
  }

  @Test func `calls without new rows, or going back, change nothing`() {
    var timeline = RateTimeline()
    for step in 0...20 as ClosedRange<UInt64> {
      timeline.add(rows: step * 100, at: Instant(nanoseconds: step * millisecond))
      timeline.add(rows: 0, at: Instant(nanoseconds: step * millisecond))
    }
    timeline.add(rows: 2_000, at: Instant(nanoseconds: 900 * millisecond))
    timeline.add(rows: 3_000, at: .zero)
    for tenth in 0...9 { #expect(isClose(timeline.rate(ofTenth: tenth), to: 100_000, within: 1e-6)) }
  }

  @Test func `random runs agree with the times of their rows`() {
    for seed in 0..<20 as Range<UInt64> {
      var random = CountersGenerator(seed: seed)
      var timeline = RateTimeline()
      var instants: [UInt64] = [0]
      timeline.add(rows: 0, at: .zero)
      for row in 1...50_000 as ClosedRange<UInt64> {
        let now = instants[Int(row) - 1] + UInt64.random(in: 100...5_000, using: &random)
        instants.append(now)
        timeline.add(rows: row, at: Instant(nanoseconds: now))
      }
      for tenth in 0...9 {
        let spent = instants[(tenth + 1) * 5_000] - instants[tenth * 5_000]
        #expect(isClose(timeline.rate(ofTenth: tenth), to: 5_000e9 / Double(spent), within: 0.01), "seed \(seed)")
      }
    }
  }
}
