import Glibc
import Synchronization

/// The lines of a file, read as they are needed, for whoever asks next.
final class URLList: Sendable {
  private struct Lines {
    let file: UnsafeMutablePointer<FILE>
    var buffer: UnsafeMutablePointer<CChar>?
    var capacity = 0
  }

  // What C's pointers lead to is seen by nobody but who holds the lock.
  private struct Guarded: @unchecked Sendable {
    var lines: Lines
  }

  private let guarded: Mutex<Guarded>

  init?(path: String) {
    guard let file = fopen(path, "r") else { return nil }
    guarded = Mutex(Guarded(lines: Lines(file: file)))
  }

  deinit {
    guarded.withLock {
      free($0.lines.buffer)
      fclose($0.lines.file)
    }
  }

  /// The next URL, or nil at the end.
  func next() -> String? {
    guarded.withLock { guarded in
      while true {
        let length = getline(&guarded.lines.buffer, &guarded.lines.capacity, guarded.lines.file)
        guard length > 0, let buffer = guarded.lines.buffer else { return nil }
        let end = buffer[length - 1] == CChar(UInt8(ascii: "\n")) ? length - 1 : length
        let line = UnsafeRawBufferPointer(start: buffer, count: end)
        if !line.isEmpty { return String(decoding: line, as: UTF8.self) }
      }
    }
  }
}
