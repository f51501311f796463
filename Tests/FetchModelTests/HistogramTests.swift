import FetchModel
import Testing

@Suite struct HistogramTests {
  private let percents: [Double] = [0, 0.001, 1, 10, 25, 50, 66, 75, 90, 95, 99, 99.9, 99.99, 99.999, 100]

  /// Values spread evenly over the orders of magnitude.
  private func values(_ count: Int, seed: UInt64) -> [UInt32] {
    var random = CountersGenerator(seed: seed)
    return (0..<count).map { _ in UInt32(truncatingIfNeeded: random.next()) >> UInt32.random(in: 0...31, using: &random)
    }
  }

  private func histogram(_ values: [UInt32]) -> Histogram {
    var histogram = Histogram()
    for value in values { histogram.record(value) }
    return histogram
  }

  @Test func `an empty histogram is all zero`() {
    let empty = Histogram()
    #expect(empty.count == 0 && empty.sum == 0 && empty.minimum == 0 && empty.maximum == 0)
    for p in percents { #expect(empty.percentile(p) == 0) }
  }

  @Test func `a single value is every percentile, exactly`() {
    for shift in 0...32 as ClosedRange<UInt64> {
      for value in [(1 << shift) &- 1, 1 << shift, (1 << shift) + 1] where value <= UInt64(UInt32.max) {
        let single = histogram([UInt32(value)])
        for p in percents { #expect(single.percentile(p) == UInt32(value)) }
      }
    }
  }

  @Test func `every value is found again within a thousandth`() {
    // Between the two extremes, which are known exactly, the probe answers from its bucket.
    var probes = values(2_000, seed: 3)
    for shift in 0..<32 as Range<UInt32> { probes += [1 << shift, (1 << shift) &- 1, (1 << shift) | 1] }
    for value in probes {
      var histogram = Histogram()
      histogram.record(0)
      histogram.record(value)
      histogram.record(.max)
      let found = Double(histogram.percentile(50))
      #expect(abs(found - Double(value)) <= Double(value) * 0.001, "\(value) came back as \(found)")
      if value < 1_024 { #expect(found == Double(value)) }
    }
  }

  @Test func `percentiles of many values are those of the sorted list within a thousandth`() {
    for seed in 0..<20 as Range<UInt64> {
      let all = values(5_000, seed: seed)
      let sorted = all.sorted()
      let histogram = histogram(all)
      for p in percents {
        let rank = max(1, Int((p * Double(sorted.count) / 100 - 1e-9).rounded(.up)))
        let exact = Double(sorted[rank - 1])
        #expect(abs(Double(histogram.percentile(p)) - exact) <= exact * 0.001, "seed \(seed), p \(p)")
      }
      #expect(histogram.sum == all.reduce(into: UInt64(0)) { $0 += UInt64($1) })
    }
  }

  @Test func `percentiles rise, stay between minimum and maximum, and end in them`() {
    for seed in 0..<25 as Range<UInt64> {
      let all = values(Int(seed * 3) + 1, seed: seed)
      let histogram = histogram(all)
      #expect(histogram.percentile(0) == all.min())
      #expect(histogram.percentile(100) == all.max())
      #expect(histogram.minimum == all.min() && histogram.maximum == all.max())
      var last: UInt32 = 0
      for step in 0...50 {
        let value = histogram.percentile(Double(step) * 2)
        #expect(value >= last && value >= histogram.minimum && value <= histogram.maximum)
        last = value
      }
    }
  }

  @Test func `99_9 percent of a thousand values is the 999th`() {
    let histogram = histogram(Array(1...1_000))
    #expect(histogram.percentile(99.9) == 999)
    #expect(histogram.percentile(50) == 500)
    #expect(histogram.percentile(0.1) == 1)
  }

  @Test func `percentages out of range count as the nearer end`() {
    let histogram = histogram([5, 6, 7])
    #expect(histogram.percentile(-1) == 5)
    #expect(histogram.percentile(.nan) == 5)
    #expect(histogram.percentile(101) == 7)
    #expect(histogram.percentile(.infinity) == 7)
  }

  @Test func `merging equals recording everything into one`() {
    for seed in 0..<30 as Range<UInt64> {
      let parts = (0..<4).map { values(Int(seed) * $0, seed: seed * 10 + UInt64($0)) }
      var merged = Histogram()
      for part in parts { merged.merge(histogram(part)) }
      #expect(merged == histogram(parts.flatMap { $0 }), "seed \(seed)")
    }
    var empty = Histogram()
    empty.merge(Histogram())
    #expect(empty == Histogram())
  }

  @Test func `merging leaves the other as it was`() {
    let other = histogram([1, 2, 3])
    var merged = Histogram()
    merged.merge(other)
    merged.record(4)
    #expect(other == histogram([1, 2, 3]))
  }
}

/// A seeded generator (SplitMix64), so that a failing case can be run again from its seed.
struct CountersGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }
}
