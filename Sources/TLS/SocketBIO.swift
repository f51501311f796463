import COpenSSL
import Glibc

/// What OpenSSL reads and writes instead of the socket itself (BIO_meth_new(3)), because two things have to be known
/// before it goes on.
///
/// It skips some messages and reads on, HelloRequest in a handshake among them: a peer that sends nothing else would
/// keep the thread for as long as it likes. So each call gives up after a few reads, as if nothing more were there, and
/// time limits are looked at before the next.
///
/// What the peer said before it reset the connection can still be read, but not once OpenSSL has seen a failure
/// (SSL_get_error(3)). So to OpenSSL a failed write is one to a socket that takes nothing now, and the failure stands
/// here.
struct SocketBIO: ~Copyable {
  private struct State {
    let descriptor: Int32
    var readsLeft = 0
    var readError: Int32 = 0
    var writeError: Int32 = 0
    var hasEnded = false
  }

  /// More than a handshake or a record ever needs at once.
  private static let readsPerCall = 16

  /// Where OpenSSL's callbacks find it; as long-lived as the SSL that owns `handle`.
  private let state: UnsafeMutablePointer<State>
  let handle: OpaquePointer

  /// nil without memory. The socket is the caller's; `handle` has to be given to an SSL, which frees it.
  init?(_ descriptor: Int32) {
    guard let method = Self.method, let handle = BIO_new(method) else { return nil }
    state = .allocate(capacity: 1)
    state.initialize(to: State(descriptor: descriptor))
    self.handle = handle
    BIO_set_data(handle, state)
    BIO_set_init(handle, 1)
  }

  deinit { state.deallocate() }

  /// Before every call that may read.
  func beginCall() { state.pointee.readsLeft = Self.readsPerCall }

  /// Why the socket takes no more; nil if it does.
  var writeError: Int32? { state.pointee.writeError == 0 ? nil : state.pointee.writeError }

  /// Why nothing could be received; kept here, because OpenSSL may do something else before it gives up.
  var readError: Int32? { state.pointee.readError == 0 ? nil : state.pointee.readError }

  // MARK: Called by OpenSSL, on the connection's own thread

  // Made once, changed no more (BIO_meth_new(3)).
  private nonisolated(unsafe) static let method: OpaquePointer? = {
    guard let method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket") else { return nil }
    BIO_meth_set_read(method) { bio, buffer, count in SocketBIO.read(bio, buffer, count) }
    BIO_meth_set_write(method) { bio, bytes, count in SocketBIO.write(bio, bytes, count) }
    BIO_meth_set_ctrl(method) { bio, command, _, _ in SocketBIO.control(bio, command) }
    return method
  }()

  private static func state(of bio: OpaquePointer) -> UnsafeMutablePointer<State>? {
    BIO_get_data(bio)?.assumingMemoryBound(to: State.self)
  }

  private static let retryFlags = BIO_FLAGS_READ | BIO_FLAGS_WRITE | BIO_FLAGS_IO_SPECIAL | BIO_FLAGS_SHOULD_RETRY

  private static func wait(_ bio: OpaquePointer, _ direction: Int32) -> Int32 {
    BIO_set_flags(bio, direction | BIO_FLAGS_SHOULD_RETRY)
    return -1
  }

  private static func read(_ bio: OpaquePointer?, _ buffer: UnsafeMutablePointer<CChar>?, _ count: Int32) -> Int32 {
    guard let bio, let state = state(of: bio) else { return -1 }
    BIO_clear_flags(bio, retryFlags)
    guard state.pointee.readsLeft > 0 else { return wait(bio, BIO_FLAGS_READ) }
    state.pointee.readsLeft -= 1
    let received = recv(state.pointee.descriptor, buffer, Int(count), 0)
    if received > 0 { return Int32(received) }
    if received == 0 {
      state.pointee.hasEnded = true
      return 0
    }
    let number = errno
    if isTemporary(number) { return wait(bio, BIO_FLAGS_READ) }
    state.pointee.readError = number
    return -1
  }

  private static func write(_ bio: OpaquePointer?, _ bytes: UnsafePointer<CChar>?, _ count: Int32) -> Int32 {
    guard let bio, let state = state(of: bio) else { return -1 }
    BIO_clear_flags(bio, retryFlags)
    let sent = send(state.pointee.descriptor, bytes, Int(count), Int32(MSG_NOSIGNAL))
    if sent >= 0 { return Int32(sent) }
    let number = errno
    if !isTemporary(number) { state.pointee.writeError = number }
    return wait(bio, BIO_FLAGS_WRITE)
  }

  private static func isTemporary(_ number: Int32) -> Bool {
    number == EAGAIN || number == EWOULDBLOCK || number == EINTR
  }

  private static func control(_ bio: OpaquePointer?, _ command: Int32) -> Int {
    switch command {
    case BIO_CTRL_FLUSH, BIO_CTRL_DUP: 1
    case BIO_CTRL_EOF: bio.flatMap(state)?.pointee.hasEnded == true ? 1 : 0
    default: 0
    }
  }
}
