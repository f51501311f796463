import OriginServer
import Synchronization
import Testing

@Suite struct `the largest count that lasted` {
  private var counted = SustainedMaximum(span: .milliseconds(50))

  /// `+` opens, `-` closes, each at so many milliseconds.
  private mutating func play(_ events: (change: Character, at: Int)...) {
    for (change, at) in events {
      change == "+" ? counted.opened(now: .milliseconds(at)) : counted.closed(now: .milliseconds(at))
    }
  }

  @Test func `is none at first`() {
    #expect(counted.maximum(now: .seconds(1)) == 0)
    #expect(counted.count == 0)
  }

  @Test mutating func `counts what is still open, from the span on`() {
    play(("+", 0), ("+", 10))
    #expect(counted.maximum(now: .milliseconds(49)) == 0)
    #expect(counted.maximum(now: .milliseconds(50)) == 1)
    #expect(counted.maximum(now: .milliseconds(59)) == 1)
    #expect(counted.maximum(now: .milliseconds(60)) == 2)
    #expect(counted.count == 2)
  }

  @Test mutating func `leaves short overlaps out`() {
    play(("+", 0), ("+", 100), ("-", 149), ("+", 150), ("-", 199))
    #expect(counted.maximum(now: .seconds(1)) == 1)
  }

  @Test mutating func `remembers an overlap that was long enough`() {
    play(("+", 0), ("+", 100), ("-", 150), ("-", 151))
    #expect(counted.maximum(now: .milliseconds(151)) == 2)
    #expect(counted.count == 0)
  }

  @Test mutating func `is about counts, not about single connections`() {
    // Whoever closes is replaced before the next one goes, so that two are open all the time, none of them for long.
    play(("+", 0), ("+", 1))
    for at in stride(from: 20, to: 200, by: 20) { play(("+", at), ("-", at + 1)) }
    #expect(counted.maximum(now: .milliseconds(200)) == 2)
  }

  @Test mutating func `starts a level anew after a break`() {
    play(("+", 0), ("+", 0), ("-", 40), ("+", 41), ("-", 80))
    #expect(counted.maximum(now: .milliseconds(80)) == 1)
  }

  @Test mutating func `takes the highest of several that were left`() {
    play(("+", 0), ("+", 0), ("+", 0), ("+", 60), ("-", 100), ("-", 100), ("-", 100), ("-", 100))
    #expect(counted.maximum(now: .milliseconds(100)) == 3)
  }

  @Test mutating func `forgets the past on reset, but not what is open`() {
    play(("+", 0), ("+", 0), ("-", 60))
    counted.reset()
    #expect(counted.count == 1)
    #expect(counted.maximum(now: .milliseconds(60)) == 1)
    play(("-", 61))
    counted.reset()
    #expect(counted.maximum(now: .milliseconds(61)) == 0)
  }

  @Test mutating func `agrees with the definition on random events`() {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<200 {
      var counted = SustainedMaximum(span: .milliseconds(5))
      // The count during each millisecond, one event a millisecond.
      var counts: [Int] = []
      for at in 0..<60 {
        if counted.count == 0 || Bool.random(using: &random) {
          counted.opened(now: .milliseconds(at))
        } else {
          counted.closed(now: .milliseconds(at))
        }
        counts.append(counted.count)
      }
      let expected = (0...(counts.count - 5)).map { counts[$0..<($0 + 5)].min() ?? 0 }.max()
      #expect(counted.maximum(now: .milliseconds(60)) == expected, "\(counts)")
    }
  }
}

@Suite struct `connections in the counters` {
  private final class Hand: Sendable {
    let milliseconds = Mutex(0)
  }

  @Test func `that were open together for long enough are reported for each listener`() {
    let hand = Hand()
    let counters = Counters(overlap: .milliseconds(50)) { .milliseconds(hand.milliseconds.withLock { $0 }) }
    func at(_ milliseconds: Int) { hand.milliseconds.withLock { $0 = milliseconds } }
    counters.opened(.http)
    counters.opened(.http)
    counters.opened(.https)
    at(49)
    counters.closed(.http)
    at(50)
    #expect(counters.json.contains(#""https":{"accepted":1,"open":1,"open_max":1,"open_sustained_max":1}"#))
    #expect(counters.json.contains(#""http":{"accepted":2,"open":1,"open_max":2,"open_sustained_max":1}"#))
  }
}
