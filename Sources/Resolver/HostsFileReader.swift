import FetchModel
import Glibc

/// Reads the hosts file when it has changed, and looks for that at most once a second.
struct HostsFileReader {
  private struct Version: Equatable {
    let inode: UInt64
    let size: Int64
    let modified: [UInt8]
  }

  private let path: String
  private var version: Version?
  private var nextLookAt = Instant.zero

  init(path: String) { self.path = path }

  /// The file, if it is another than at the last call; one that cannot be read has no names.
  mutating func changed(now: Instant) -> HostsFile? {
    guard now >= nextLookAt else { return nil }
    nextLookAt = now + .seconds(1)
    var entry = stat()
    let found = stat(path, &entry) == 0
    let current =
      found
      ? Version(
        inode: UInt64(entry.st_ino),
        size: Int64(entry.st_size),
        modified: withUnsafeBytes(of: entry.st_mtim) { Array($0) }
      ) : nil
    guard current != version else { return nil }
    version = current
    return HostsFile(parsing: Self.bytes(path))
  }

  private static func bytes(_ path: String) -> [UInt8] {
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
}
