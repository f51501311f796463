// The clock that nobody sets.

import Glibc

enum MonotonicClock {
  /// Nanoseconds since some fixed instant.
  static func nanoseconds() -> Int {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return time.tv_sec * 1_000_000_000 + time.tv_nsec
  }
}
