// The files a start leaves for tests: certificates, the leaf's key, and last the ports, which say all is ready.

import Glibc

/// Writes files into one directory.
struct StartupFiles {
  let directory: String

  /// Creates the directory if it is missing; its parent must exist.
  init(directory: String) throws(OriginError) {
    guard mkdir(directory, 0o755) == 0 || errno == EEXIST else { throw .lastErrno("mkdir", directory) }
    self.directory = directory
  }

  /// Writes a file under a temporary name and renames it, so that a reader sees all of it or none.
  func write(_ name: String, _ bytes: [UInt8], mode: mode_t) throws(OriginError) {
    let path = "\(directory)/\(name)"
    let temporary = "\(path).\(getpid()).tmp"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
    guard descriptor >= 0 else { throw .lastErrno("open", temporary) }
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      guard count > 0 else {
        let failure = OriginError.lastErrno("write", temporary)
        close(descriptor)
        throw failure
      }
      rest = rest.dropFirst(count)
    }
    close(descriptor)
    guard rename(temporary, path) == 0 else { throw .lastErrno("rename", path) }
  }
}
