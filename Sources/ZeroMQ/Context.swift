import CZeroMQ

/// A failed call of the library: which one, and its errno (some of them ZeroMQ's own).
package struct ZeroMQError: Error, Sendable, CustomStringConvertible {
  package let call: StaticString
  package let number: Int32

  /// Reads the errno of the call that has just failed on this thread.
  init(_ call: StaticString) {
    self.call = call
    number = zmq_errno()
  }

  package var reason: String { String(cString: zmq_strerror(number)) }

  package var description: String { "\(call): \(reason)" }

  /// The address is taken.
  package var isAddressInUse: Bool { number == EADDRINUSE }
}

/// A ZeroMQ context: the I/O threads that all sockets of a process share.
package final class Context: Sendable {
  // zmq_ctx_new(3): a context is thread-safe and may be shared; the pointer never changes.
  private nonisolated(unsafe) let handle: UnsafeMutableRawPointer

  package init(ioThreads: Int) throws(ZeroMQError) {
    guard let handle = zmq_ctx_new() else { throw ZeroMQError("zmq_ctx_new") }
    self.handle = handle
    zmq_ctx_set(handle, ZMQ_IO_THREADS, Int32(ioThreads))
    // Peers do not count as sockets, so a handful is enough (zmq_ctx_set(3)).
    zmq_ctx_set(handle, ZMQ_MAX_SOCKETS, 64)
  }

  // Waits for sockets to send what they still hold, at most their linger time.
  deinit { while zmq_ctx_term(handle) != 0, zmq_errno() == EINTR {} }

  func makeSocket(_ kind: Int32) throws(ZeroMQError) -> UnsafeMutableRawPointer {
    guard let socket = zmq_socket(handle, kind) else { throw ZeroMQError("zmq_socket") }
    return socket
  }
}
