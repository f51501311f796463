// One accepted connection, with or without TLS: reads, writes and waits that are bounded and that notice a peer that
// has gone. The descriptor does not block; every wait is a poll.

import COpenSSL
import COriginShims
import Glibc

/// How long the origin waits for its peer before it gives a connection up.
enum Patience {
  static let handshake = 30_000
  static let nextRequest = 120_000
  static let write = 60_000
  /// For the peer's own close after ours.
  static let close = 2_000
  /// For data to leave before a reset, which would throw it away.
  static let drain = 1_000
}

/// A connection, confined to its thread. It does not own the descriptor: the thread closes it after telling the
/// registry, so that nobody shuts down a number that belongs to someone else by then.
final class Stream {
  enum Received {
    case bytes(Int)
    /// Closed by the peer, failed, or silent for too long.
    case ended
  }

  let descriptor: Int32
  var tls: OpaquePointer?
  /// Whether the peer has said goodbye with close_notify.
  private(set) var isNotified = false

  init(descriptor: Int32) {
    self.descriptor = descriptor
  }

  deinit {
    if let tls { SSL_free(tls) }
  }

  // MARK: TLS

  /// Speaks TLS from here on.
  func handshake(_ context: ServerContext) -> HandshakeOutcome {
    guard let tls = context.makeConnection(descriptor) else { return .failed }
    self.tls = tls
    let deadline = Deadline(milliseconds: Patience.handshake)
    while true {
      ERR_clear_error()
      let status = SSL_accept(tls)
      if status == 1 { return SSL_session_reused(tls) == 1 ? .resumed : .full }
      guard waitForTLS(SSL_get_error(tls, status), until: deadline) else { return .failed }
    }
  }

  /// Waits for what OpenSSL asks for; false if it asks for nothing that can be waited for.
  func waitForTLS(_ error: Int32, until deadline: Deadline) -> Bool {
    switch error {
    case SSL_ERROR_WANT_READ: poll(Int16(POLLIN), until: deadline) != 0
    case SSL_ERROR_WANT_WRITE: poll(Int16(POLLOUT), until: deadline) != 0
    default: false
    }
  }

  // MARK: Bytes

  /// Waits for bytes and reads them. Polls first: a client that waits for its answer has not sent the next request.
  func read(into buffer: UnsafeMutableRawBufferPointer, within milliseconds: Int) -> Received {
    let deadline = Deadline(milliseconds: milliseconds)
    if tls.map({ SSL_has_pending($0) }) != 1 {
      guard poll(Int16(POLLIN), until: deadline) != 0 else { return .ended }
    }
    while true {
      if let tls {
        var count = 0
        ERR_clear_error()
        let status = SSL_read_ex(tls, buffer.baseAddress, buffer.count, &count)
        if status == 1 { return .bytes(count) }
        let error = SSL_get_error(tls, status)
        if error == SSL_ERROR_ZERO_RETURN { isNotified = true }
        guard waitForTLS(error, until: deadline) else { return .ended }
      } else {
        let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
        if count > 0 { return .bytes(count) }
        guard count < 0, errno == EAGAIN || errno == EINTR else { return .ended }
        guard poll(Int16(POLLIN), until: deadline) != 0 else { return .ended }
      }
    }
  }

  /// Writes everything; false if the peer has gone or takes nothing for too long.
  func write(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var rest = bytes
    while !rest.isEmpty {
      var count = 0
      if let tls {
        ERR_clear_error()
        let status = SSL_write_ex(tls, rest.baseAddress, rest.count, &count)
        if status != 1 {
          let deadline = Deadline(milliseconds: Patience.write)
          guard waitForTLS(SSL_get_error(tls, status), until: deadline) else { return false }
          continue
        }
      } else {
        count = Glibc.write(descriptor, rest.baseAddress, rest.count)
        if count < 0 {
          guard errno == EAGAIN || errno == EINTR else { return false }
          guard poll(Int16(POLLOUT), until: Deadline(milliseconds: Patience.write)) != 0 else { return false }
          continue
        }
      }
      rest = UnsafeRawBufferPointer(rebasing: rest[count...])
    }
    return true
  }

  /// Lets `milliseconds` pass; false if the peer closed meanwhile. Bytes that arrive stay where they are.
  func wait(milliseconds: Int) -> Bool {
    poll(origin_pollrdhup(), until: Deadline(milliseconds: milliseconds)) == 0
  }

  // MARK: The end

  /// Says goodbye as the script wants it. The descriptor must be closed right after.
  func finish(_ ending: Ending) {
    switch ending {
    case .reset:
      let deadline = Deadline(milliseconds: Patience.drain)
      while origin_unsent_bytes(descriptor) > 0, deadline.remaining > 0, wait(milliseconds: 1) {}
      // Closing with a linger time of zero throws away what is unsent and sends RST.
      setOption(descriptor, SOL_SOCKET, SO_LINGER, linger(l_onoff: 1, l_linger: 0))
    case .keepAlive, .close:
      if let tls {
        ERR_clear_error()
        SSL_shutdown(tls)
      }
      closeGently()
    case .closeWithoutNotify:
      closeGently()
    }
  }

  /// FIN, then waits for the peer's. Closing with unread bytes, a late close_notify among them, would make the kernel
  /// send RST, and the peer might lose the end of the answer.
  private func closeGently() {
    guard shutdown(descriptor, Int32(SHUT_WR)) == 0 else { return }
    let deadline = Deadline(milliseconds: Patience.close)
    withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 16) { scrap in
      while poll(Int16(POLLIN), until: deadline) != 0 {
        let count = Glibc.read(descriptor, scrap.baseAddress, scrap.count)
        if count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR) { return }
      }
    }
  }

  /// Waits for events; the events that came, 0 after the deadline. Errors of poll itself count as the peer's end.
  func poll(_ events: Int16, until deadline: Deadline) -> Int16 {
    var entry = pollfd(fd: descriptor, events: events, revents: 0)
    while true {
      let count = Glibc.poll(&entry, 1, Int32(clamping: deadline.remaining))
      if count > 0 { return entry.revents }
      if count == 0, deadline.remaining <= 0 { return 0 }
      if count < 0, errno != EINTR { return Int16(POLLERR) }
    }
  }
}

/// A moment on the monotonic clock.
struct Deadline {
  private let nanoseconds: Int

  init(milliseconds: Int) {
    nanoseconds = MonotonicClock.nanoseconds() + milliseconds * 1_000_000
  }

  /// Milliseconds left, rounded up, never negative.
  var remaining: Int { max(0, (nanoseconds - MonotonicClock.nanoseconds() + 999_999) / 1_000_000) }
}
