import Glibc

/// What is said to people on standard error.
package enum StandardError {
  /// Writes a text as far as anybody takes it: that nobody listens is no reason to stop working.
  package static func write(_ text: String) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { bytes in
        retryingInterrupted { Glibc.write(STDERR_FILENO, bytes.baseAddress, bytes.count) }
      }
      guard count > 0 else { return }
      rest = rest.dropFirst(count)
    }
  }
}
