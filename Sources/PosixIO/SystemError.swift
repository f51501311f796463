import Glibc

/// A failed system call: which one, and its errno.
package struct SystemError: Error, Equatable, Sendable, CustomStringConvertible {
  package let call: StaticString
  package let number: Int32

  /// Reads errno; must be the first thing after the failed call.
  package init(_ call: StaticString) {
    self.number = errno
    self.call = call
  }

  package init(_ call: StaticString, number: Int32) {
    self.call = call
    self.number = number
  }

  package static func == (left: SystemError, right: SystemError) -> Bool {
    left.number == right.number && left.call.description == right.call.description
  }

  /// "Connection refused".
  package var reason: String { Self.text(of: number) }

  /// "connect: Connection refused (errno 111)".
  package var description: String { "\(call): \(Self.text(of: number)) (errno \(number))" }

  /// The message of an errno, from a buffer of our own: strerror(3) is not thread-safe.
  package static func text(of number: Int32) -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
      guard let base = buffer.baseAddress, strerror_r(number, base, buffer.count) == 0 else { return "error" }
      return String(cString: base)
    }
  }
}

/// Repeats a call for as long as a signal interrupts it.
@inline(__always)
func retryingInterrupted<Result: SignedInteger>(_ call: () -> Result) -> Result {
  while true {
    let result = call()
    if result == -1, errno == EINTR { continue }
    return result
  }
}
