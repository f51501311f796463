import FetchModel
import Glibc

/// Tells that a file was changed or replaced; looks at most once a second.
struct FileWatch {
  private struct Version: Equatable {
    let inode: UInt64
    let size: Int64
    let modified: [UInt8]
  }

  let path: String
  private var version: Version?
  private var nextLookAt = Instant.zero

  /// What the file is now counts as known.
  init(path: String) {
    self.path = path
    version = Self.version(of: path)
  }

  mutating func hasChanged(now: Instant) -> Bool {
    guard now >= nextLookAt else { return false }
    nextLookAt = now + .seconds(1)
    let current = Self.version(of: path)
    defer { version = current }
    return current != version
  }

  /// The whole file; empty if it cannot be read.
  func read() -> [UInt8] {
    guard let file = fopen(path, "re") else { return [] }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = fread(&buffer, 1, buffer.count, file)
      if count == 0 { return bytes }
      bytes += buffer[..<count]
    }
  }

  /// nil if there is none.
  private static func version(of path: String) -> Version? {
    var entry = stat()
    guard stat(path, &entry) == 0 else { return nil }
    return Version(
      inode: UInt64(entry.st_ino),
      size: Int64(entry.st_size),
      modified: withUnsafeBytes(of: entry.st_mtim) { Array($0) }
    )
  }
}
