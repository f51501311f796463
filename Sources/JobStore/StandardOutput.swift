import Glibc
import PosixIO

/// Why standard output takes nothing more.
enum OutputFailure: Error {
  /// Its reader has closed it.
  case brokenPipe
  case failed(SystemError)
}

/// Standard output, whoever reads it and however slowly.
enum StandardOutput {
  /// Writes everything, however many calls it takes.
  static func write(_ bytes: [UInt8]) throws(OutputFailure) {
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes { buffer in
        Glibc.write(STDOUT_FILENO, buffer.baseAddress?.advanced(by: written), buffer.count - written)
      }
      if count >= 0 {
        written += count
        continue
      }
      let error = SystemError("write")
      switch error.number {
      case EINTR: break
      // Whoever started this process may have made the descriptor non-blocking.
      case EAGAIN:
        do throws(SystemError) { try waitUntilWritable(STDOUT_FILENO) } catch { throw OutputFailure.failed(error) }
      case EPIPE: throw .brokenPipe
      default: throw .failed(error)
      }
    }
  }
}
