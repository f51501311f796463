// When the origin program ends: a signal, its lifetime, or the end of its input.

import COriginShims
import Glibc

/// Why the process should end.
package enum EndOfProcess: Equatable, Sendable {
  case signal(Int32)
  case lifetime
  case inputClosed
}

/// Waits for the end. Create it before the first thread: threads inherit the blocked signals, so that SIGTERM and
/// SIGINT reach the descriptor and interrupt nobody.
package struct ProcessLifetime {
  private let signals: Int32

  package init() throws(OriginError) {
    var set = sigset_t()
    sigemptyset(&set)
    sigaddset(&set, SIGTERM)
    sigaddset(&set, SIGINT)
    guard pthread_sigmask(SIG_BLOCK, &set, nil) == 0 else { throw .lastErrno("pthread_sigmask") }
    signals = signalfd(-1, &set, Int32(SFD_CLOEXEC))
    guard signals >= 0 else { throw .lastErrno("signalfd") }
  }

  /// Blocks until the process should end.
  package func wait(seconds: Int, untilInputCloses: Bool) -> EndOfProcess {
    let deadline = Deadline(milliseconds: seconds * 1_000)
    var entries = [
      pollfd(fd: signals, events: Int16(POLLIN), revents: 0),
      // poll ignores negative descriptors.
      pollfd(fd: untilInputCloses ? STDIN_FILENO : -1, events: Int16(POLLIN), revents: 0),
    ]
    while true {
      let count = poll(&entries, nfds_t(entries.count), Int32(clamping: deadline.remaining))
      if count == 0, deadline.remaining == 0 { return .lifetime }
      guard count > 0 else { continue }
      if entries[0].revents != 0 {
        var info = signalfd_siginfo()
        let size = MemoryLayout<signalfd_siginfo>.size
        return .signal(read(signals, &info, size) == size ? Int32(info.ssi_signo) : SIGTERM)
      }
      if entries[1].revents != 0 {
        var scrap = [UInt8](repeating: 0, count: 512)
        if read(STDIN_FILENO, &scrap, scrap.count) <= 0 { return .inputClosed }
      }
    }
  }
}
