package import FetchModel
import Glibc

/// Clocks of this machine; the only place where they are read.
package enum Clock {
  /// CLOCK_MONOTONIC: durations inside a process. Stands still while the machine is suspended.
  package static func now() -> Instant { Instant(nanoseconds: read(CLOCK_MONOTONIC)) }

  /// CLOCK_BOOTTIME: leases, because it goes on while the machine is suspended.
  package static func bootTime() -> Instant { Instant(nanoseconds: read(CLOCK_BOOTTIME)) }

  /// Microseconds since 1970, for people; may step.
  package static func wallMicroseconds() -> UInt64 { read(CLOCK_REALTIME) / 1000 }

  private static func read(_ id: clockid_t) -> UInt64 {
    var time = timespec()
    clock_gettime(id, &time)
    return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
  }
}
