import Glibc
import PosixIO

/// Why keys cannot be used; one line that names the file and says what to do.
package struct KeyError: Error, Equatable, Sendable, CustomStringConvertible {
  package let description: String

  package init(_ description: String) { self.description = description }

  init(_ what: String, _ path: String, _ error: SystemError) {
    description = "cannot \(what) \(path): \(error.reason)"
  }
}

/// An open folder of keys that nobody but its owner can change. Files are opened relative to it, never through links.
struct KeyFolder: ~Copyable {
  /// Who may do what with a file.
  enum Protection {
    /// Nobody else may read or change it.
    case secret
    /// Nobody else may change it.
    case integrity
  }

  /// Which version of a file it was: another one differs in something.
  struct Version: Equatable, Sendable {
    let device, inode: UInt64
    let size: Int64
    let modified, changed: [Int]

    init(_ information: stat) {
      device = UInt64(information.st_dev)
      inode = UInt64(information.st_ino)
      size = Int64(information.st_size)
      modified = [information.st_mtim.tv_sec, information.st_mtim.tv_nsec]
      changed = [information.st_ctim.tv_sec, information.st_ctim.tv_nsec]
    }
  }

  /// Far more than a list of a hundred thousand agents.
  private static let maximumBytes = 16 * 1024 * 1024

  let path: String
  private let descriptor: Descriptor

  init(opening path: String) throws(KeyError) {
    let raw = openRelative(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard raw >= 0 else { throw KeyError("open the key folder", path, SystemError("open")) }
    let descriptor = Descriptor(owning: raw)
    var information = stat()
    guard fstat(raw, &information) == 0 else { throw KeyError("look at", path, SystemError("fstat")) }
    try Self.check(information, path, .integrity)
    self.descriptor = descriptor
    self.path = path
  }

  func path(of name: String) -> String { "\(path)/\(name)" }

  // MARK: Reading

  func exists(_ name: String) -> Bool {
    var information = stat()
    return fstatat(descriptor.rawValue, name, &information, AT_SYMLINK_NOFOLLOW) == 0
  }

  func version(of name: String) throws(KeyError) -> Version {
    var information = stat()
    guard fstatat(descriptor.rawValue, name, &information, AT_SYMLINK_NOFOLLOW) == 0 else {
      throw KeyError("look at", path(of: name), SystemError("fstatat"))
    }
    return Version(information)
  }

  /// The whole file, and which version of it was read.
  func read(_ name: String, _ protection: Protection) throws(KeyError) -> (bytes: [UInt8], version: Version) {
    let path = path(of: name)
    // Not blocking: opening a pipe would wait for a writer.
    let raw = openRelative(descriptor.rawValue, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
    guard raw >= 0 else {
      let error = SystemError("openat")
      if error.number == ELOOP { throw KeyError("\(path) is a symbolic link; put the file itself there") }
      throw KeyError("read", path, error)
    }
    let file = Descriptor(owning: raw)
    var information = stat()
    guard fstat(file.rawValue, &information) == 0 else { throw KeyError("look at", path, SystemError("fstat")) }
    guard information.st_mode & S_IFMT == S_IFREG else { throw KeyError("\(path) is not a file") }
    try Self.check(information, path, protection)
    guard information.st_size <= Self.maximumBytes else { throw KeyError("\(path) is too long for what it should be") }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while bytes.count <= Self.maximumBytes {
      let count = Glibc.read(file.rawValue, &buffer, buffer.count)
      if count < 0 {
        if errno == EINTR { continue }
        throw KeyError("read", path, SystemError("read"))
      }
      if count == 0 { break }
      bytes += buffer[..<count]
    }
    return (bytes, Version(information))
  }

  /// Of another user, or open to others, anything may be in it.
  private static func check(_ information: stat, _ path: String, _ protection: Protection) throws(KeyError) {
    guard information.st_uid == geteuid() || information.st_uid == 0 else {
      throw KeyError("\(path) belongs to another user; it has to be yours: chown it, or name another with --keys")
    }
    let mode = information.st_mode & 0o777
    let text = String(mode, radix: 8)
    switch protection {
    case .secret where mode & 0o077 != 0:
      throw KeyError("\(path) is open to others (mode 0\(text)); close it: chmod 600 \(path)")
    case .integrity where mode & 0o022 != 0:
      throw KeyError("\(path) can be changed by others (mode 0\(text)); close it: chmod go-w \(path)")
    case .secret, .integrity: break
    }
  }

  // MARK: Writing

  /// Keeps others who write from it for as long as the folder is open (flock(2)).
  func lock() throws(KeyError) {
    guard flock(descriptor.rawValue, LOCK_EX) == 0 else { throw KeyError("lock", path, SystemError("flock")) }
  }

  /// Makes a folder in it that only its owner may enter.
  func makeFolder(_ name: String) throws(KeyError) {
    guard mkdirat(descriptor.rawValue, name, 0o700) == 0 else {
      throw KeyError("make", path(of: name), SystemError("mkdirat"))
    }
    try sync()
  }

  /// Puts a file in place whole or not at all, under whatever was there: write, fsync, rename, fsync of the folder.
  func write(_ name: String, _ bytes: [UInt8], mode: UInt32) throws(KeyError) {
    let temporary = ".\(name).new"
    // Left by somebody who was stopped.
    unlinkat(descriptor.rawValue, temporary, 0)
    let raw = openRelative(
      descriptor.rawValue,
      temporary,
      O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
      mode
    )
    guard raw >= 0 else { throw KeyError("make", path(of: temporary), SystemError("openat")) }
    let file = Descriptor(owning: raw)
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(file.rawValue, $0.baseAddress, $0.count) }
      if count < 0 {
        if errno == EINTR { continue }
        throw KeyError("write", path(of: temporary), SystemError("write"))
      }
      rest = rest.dropFirst(count)
    }
    guard fsync(file.rawValue) == 0 else { throw KeyError("sync", path(of: temporary), SystemError("fsync")) }
    guard renameat(descriptor.rawValue, temporary, descriptor.rawValue, name) == 0 else {
      throw KeyError("name", path(of: name), SystemError("renameat"))
    }
    try sync()
  }

  private func sync() throws(KeyError) {
    guard fsync(descriptor.rawValue) == 0 else { throw KeyError("sync", path, SystemError("fsync")) }
  }
}
