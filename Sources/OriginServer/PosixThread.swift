// Threads with small stacks. A connection's thread runs a script and OpenSSL, neither of which is deep.

import COriginShims
import Glibc

/// Starts threads.
enum PosixThread {
  static let stackBytes = 256 * 1024

  /// A thread that must be joined.
  struct Handle: Sendable {
    fileprivate let thread: pthread_t

    func join() {
      pthread_join(thread, nil)
    }
  }

  private final class Body: Sendable {
    let run: @Sendable () -> Void

    init(_ run: @escaping @Sendable () -> Void) {
      self.run = run
    }
  }

  /// Starts `body` on a thread of its own; nil if the system has none to give.
  static func start(_ body: @escaping @Sendable () -> Void) -> Handle? {
    start(detached: false, body).map { Handle(thread: $0) }
  }

  /// Starts `body` on a thread nobody joins; false if the system has none to give.
  static func startDetached(_ body: @escaping @Sendable () -> Void) -> Bool {
    start(detached: true, body) != nil
  }

  private static func start(detached: Bool, _ body: @escaping @Sendable () -> Void) -> pthread_t? {
    var attributes = pthread_attr_t()
    guard pthread_attr_init(&attributes) == 0 else { return nil }
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setstacksize(&attributes, stackBytes)
    if detached { pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED)) }
    let box = Unmanaged.passRetained(Body(body))
    var thread = pthread_t()
    let status = pthread_create(
      &thread,
      &attributes,
      { argument in
        guard let argument else { return nil }
        Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
        return nil
      },
      box.toOpaque()
    )
    guard status == 0 else {
      box.release()
      return nil
    }
    return thread
  }
}
