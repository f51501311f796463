/// How fast rows were accepted over a run, in bounded memory: what shows that the cost of a row does not grow.
///
/// Keeps at most 2,048 samples. When they are full, those closer together than 1/1024 of the rows so far are
/// dropped and that distance is asked of later ones, so samples stay even over the rows however long the run is
/// and however its speed changes; a rule by time or by calls would leave the fast parts without samples.
package struct RateTimeline: Sendable {
  private struct Sample {
    var rows: UInt64
    var instant: Instant
  }

  private static let capacity = 2_048

  /// Strictly rising in rows, rising in time; the first one is the start.
  private var samples: [Sample] = []
  /// The newest sample, kept or not, so that the end is exact.
  private var latest: Sample?
  /// Rows that a sample must lie after the one before.
  private var gap: UInt64 = 1

  package init() {}

  /// Notes that `rows` rows, counted from any fixed base, had been accepted at `now`.
  ///
  /// The first call is the start of the measurement. Calls that bring no new rows, or go back, change nothing.
  package mutating func add(rows: UInt64, at now: Instant) {
    guard let newest = latest, let last = samples.last else {
      let first = Sample(rows: rows, instant: now)
      samples.reserveCapacity(Self.capacity)
      samples.append(first)
      latest = first
      return
    }
    guard rows > newest.rows, now >= newest.instant else { return }
    let sample = Sample(rows: rows, instant: now)
    latest = sample
    guard rows - last.rows >= gap else { return }
    if samples.count == Self.capacity { thin(upTo: rows) }
    if let last = samples.last, rows - last.rows >= gap { samples.append(sample) }
  }

  /// Rows a second within the tenth `tenth` (0 ... 9) of the rows; nil if there are fewer than ten samples, or
  /// if no time passed within it.
  package func rate(ofTenth tenth: Int) -> Double? {
    precondition((0...9).contains(tenth), "a run has tenths 0 to 9")
    guard let first = samples.first, let latest, samples.count >= 10 else { return nil }
    let rows = Double(latest.rows - first.rows) / 10
    let began = nanoseconds(atRow: rows * Double(tenth), since: first, latest: latest)
    let ended = nanoseconds(atRow: rows * Double(tenth + 1), since: first, latest: latest)
    guard ended > began else { return nil }
    return rows * 1e9 / (ended - began)
  }

  /// Keeps the first sample and those at least 1/1024 of the rows apart: at most 1,025.
  private mutating func thin(upTo rows: UInt64) {
    guard let first = samples.first else { return }
    // Never less than doubled, so that thinning always makes room.
    gap = max(gap * 2, (rows - first.rows) / UInt64(Self.capacity / 2))
    var kept = 0
    for sample in samples where kept == 0 || sample.rows - samples[kept - 1].rows >= gap {
      samples[kept] = sample
      kept += 1
    }
    samples.removeLast(samples.count - kept)
  }

  /// Nanoseconds from the first sample to the moment when `row` more rows had come, on a straight line between
  /// neighbouring samples.
  private func nanoseconds(atRow row: Double, since first: Sample, latest: Sample) -> Double {
    var low = 0
    var high = samples.count
    while low < high {
      let middle = (low + high) / 2
      if Double(samples[middle].rows - first.rows) < row { low = middle + 1 } else { high = middle }
    }
    guard low > 0 else { return 0 }
    let before = samples[low - 1]
    let after = low < samples.count ? samples[low] : latest
    let from = Double(before.instant.nanoseconds(since: first.instant))
    let to = Double(after.instant.nanoseconds(since: first.instant))
    guard after.rows > before.rows else { return from }
    let share = (row - Double(before.rows - first.rows)) / Double(after.rows - before.rows)
    return from + (to - from) * min(max(share, 0), 1)
  }
}
