// Why the origin could not start. After the start nothing throws: a connection that fails is closed and counted.

import Glibc

/// A failure to start.
package enum OriginError: Error, Equatable, CustomStringConvertible {
  case badAddress(String)
  case system(call: String, subject: String, errno: Int32)
  case tls(call: String, detail: String)

  /// The error of a system call that has just failed on this thread.
  static func lastErrno(_ call: String, _ subject: String = "") -> OriginError {
    .system(call: call, subject: subject, errno: errno)
  }

  package var description: String {
    switch self {
    case .badAddress(let text):
      "not an address: \(text) (expected HOST:PORT or [HOST]:PORT, the port from 0 to 65535)"
    case .system(let call, let subject, let number):
      "\(call)\(subject.isEmpty ? "" : " \(subject)"): \(String(cString: strerror(number))) (errno \(number))"
    case .tls(let call, let detail):
      "\(call): \(detail)"
    }
  }
}
