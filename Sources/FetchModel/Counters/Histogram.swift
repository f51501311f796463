/// A mergeable log-linear histogram of durations in whole microseconds, 0 ... 2^32 - 1 (71 minutes).
///
/// Below 1,024 every value has its own bucket; above, every octave is cut into 512 equal buckets and a bucket
/// answers with its middle, so a percentile is off by at most 1/1024 of the value (three significant digits).
/// Smallest and largest value are kept exactly. Merging histograms gives the same as recording everything into
/// one, so percentiles of a cluster come from a merge and never from averages.
///
/// The 96 KiB of buckets are allocated by the first value and then reused.
package struct Histogram: Equatable, Sendable {
  /// Values recorded.
  package private(set) var count: UInt64 = 0
  /// Of all recorded values in microseconds; stays at the largest number if it would overflow.
  package private(set) var sum: UInt64 = 0
  private var smallest = UInt32.max
  private var largest: UInt32 = 0
  /// Empty before the first value.
  private var buckets: [UInt64] = []

  package init() {}

  /// The smallest recorded value in microseconds, exactly; 0 if there is none.
  package var minimum: UInt32 { count == 0 ? 0 : smallest }

  /// The largest recorded value in microseconds, exactly; 0 if there is none.
  package var maximum: UInt32 { largest }

  /// Counts one duration.
  package mutating func record(_ microseconds: UInt32) {
    if buckets.isEmpty { buckets = Array(repeating: 0, count: Self.bucketCount) }
    buckets[Self.bucket(of: microseconds)] += 1
    count += 1
    sum.addSaturating(UInt64(microseconds))
    smallest = min(smallest, microseconds)
    largest = max(largest, microseconds)
  }

  /// Counts everything that `other` has counted.
  package mutating func merge(_ other: Histogram) {
    guard other.count > 0 else { return }
    if buckets.isEmpty { buckets = Array(repeating: 0, count: Self.bucketCount) }
    for index in buckets.indices { buckets[index] += other.buckets[index] }
    count += other.count
    sum.addSaturating(other.sum)
    smallest = min(smallest, other.smallest)
    largest = max(largest, other.largest)
  }

  /// The value in microseconds that `p` percent of the recorded ones do not exceed; 0 if there is none.
  ///
  /// `p` outside 0 ... 100 counts as the nearer end. p0 is the minimum and p100 the maximum, exactly; no
  /// percentile lies outside them.
  package func percentile(_ p: Double) -> UInt32 {
    guard count > 0, p > 0 else { return minimum }
    guard p < 100 else { return maximum }
    let rank = Self.rank(of: p, among: count)
    // The first and the last value are known better than by their buckets.
    if rank == 1 { return minimum }
    if rank == count { return maximum }
    var seen: UInt64 = 0
    for (index, inBucket) in buckets.enumerated() where inBucket > 0 {
      seen += inBucket
      if seen >= rank { return min(max(Self.middle(ofBucket: index), minimum), maximum) }
    }
    return maximum
  }

  /// The 1-based position of the percentile among `count` sorted values.
  private static func rank(of p: Double, among count: UInt64) -> UInt64 {
    let exact = p * Double(count) / 100
    // 99.9 % of 1,000 must be the 999th value although 99.9 is no binary fraction: forgive the last bits
    // before rounding up. Not `rounded`, which is libm's `ceil`: a module without C does not link it.
    let forgiving = exact * (1 - 0x1p-50)
    let whole = UInt64(forgiving)
    return min(max(Double(whole) < forgiving ? whole + 1 : whole, 1), count)
  }
}

// MARK: - Buckets

extension Histogram {
  /// Buckets of an octave are 2^9; the first two octaves' worth of indices are the values themselves.
  private static let octaveBits = 9
  private static let exactLimit: UInt32 = 1 << 10
  /// Values of 32 bits have octaves 10 ... 31 above the exact part.
  private static let bucketCount = (1 << 10) + 22 * (1 << 9)

  private static func bucket(of value: UInt32) -> Int {
    guard value >= exactLimit else { return Int(value) }
    let shift = 31 - value.leadingZeroBitCount - octaveBits
    // `value >> shift` is 512 ... 1,023, so consecutive octaves join without a gap.
    return (shift << octaveBits) + Int(value >> UInt32(shift))
  }

  private static func middle(ofBucket index: Int) -> UInt32 {
    guard index >= Int(exactLimit) else { return UInt32(index) }
    let shift = UInt32(index >> octaveBits) - 1
    let lowest = UInt32(index - Int(shift) << octaveBits) << shift
    return lowest + (1 << (shift - 1))
  }
}

extension UInt64 {
  /// Adds, and stays at the largest number instead of overflowing: counters hold numbers that other processes
  /// report, and no report may stop the coordinator.
  mutating func addSaturating(_ other: UInt64) {
    let (sum, overflow) = addingReportingOverflow(other)
    self = overflow ? .max : sum
  }
}
