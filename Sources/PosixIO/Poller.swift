import CLinux
import Glibc

/// An epoll(7) set of descriptors, each with a 64-bit token; level-triggered.
package struct Poller: ~Copyable {
  /// What a descriptor is ready for. An error or hang-up makes it readable and writable.
  package struct Readiness: OptionSet, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }
    package static let read = Readiness(rawValue: EPOLLIN.rawValue)
    package static let write = Readiness(rawValue: EPOLLOUT.rawValue)
    package static let hangUp = Readiness(rawValue: EPOLLHUP.rawValue)
    package static let error = Readiness(rawValue: EPOLLERR.rawValue)

    // Bits by hand: a set literal is built by unspecialised generic code, 2,500 instructions an event.
    /// Whether a read would say something: bytes, the end, or an error.
    package var isReadable: Bool { rawValue & (EPOLLIN.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 }
    /// Whether a write would get on.
    package var isWritable: Bool { rawValue & EPOLLOUT.rawValue != 0 }
  }

  private let descriptor: Descriptor
  private let events: UnsafeMutableBufferPointer<epoll_event>
  private var ready = 0

  /// `capacity`: events taken by one wait.
  package init(capacity: Int) throws(SystemError) {
    let raw = epoll_create1(Int32(EPOLL_CLOEXEC))
    guard raw >= 0 else { throw SystemError("epoll_create1") }
    descriptor = Descriptor(owning: raw)
    events = .allocate(capacity: capacity)
    events.initialize(repeating: epoll_event())
  }

  deinit { events.deallocate() }

  package func add(_ target: Int32, for interest: Readiness, token: UInt64) throws(SystemError) {
    try control(EPOLL_CTL_ADD, target, interest, token)
  }

  package func modify(_ target: Int32, for interest: Readiness, token: UInt64) throws(SystemError) {
    try control(EPOLL_CTL_MOD, target, interest, token)
  }

  /// Nothing is said of it any more, not even that it broke.
  package func remove(_ target: Int32) throws(SystemError) {
    try control(EPOLL_CTL_DEL, target, Readiness(rawValue: 0), 0)
  }

  private func control(_ operation: Int32, _ target: Int32, _ interest: Readiness, _ token: UInt64)
    throws(SystemError)
  {
    var event = epoll_event(events: interest.rawValue, data: epoll_data_t(u64: token))
    guard epoll_ctl(descriptor.rawValue, operation, target, &event) == 0 else { throw SystemError("epoll_ctl") }
  }

  /// Waits until something is ready or the time is over; returns how many events there are. A signal ends
  /// the wait with none. `milliseconds` nil waits without end.
  package mutating func wait(milliseconds: Int32?) throws(SystemError) -> Int {
    let count = epoll_wait(descriptor.rawValue, events.baseAddress, Int32(events.count), milliseconds ?? -1)
    if count < 0, errno != EINTR { throw SystemError("epoll_wait") }
    ready = max(0, Int(count))
    return ready
  }

  /// Event `index` of the last wait.
  package func event(_ index: Int) -> (token: UInt64, readiness: Readiness) {
    precondition(index < ready)
    return (events[index].data.u64, Readiness(rawValue: events[index].events))
  }
}
