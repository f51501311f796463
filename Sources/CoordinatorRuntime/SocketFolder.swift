import Foundation
import Glibc
import PosixIO

/// A folder of this user's alone for the socket of local agents, removed at the end.
///
/// A coordinator that is killed leaves its folder behind; the next one on this host takes such folders away. It knows
/// them by the lock that a living one holds on its own.
struct SocketFolder: ~Copyable {
  private static let prefix = "trawl-"
  private static let socketName = "coordinator"
  /// Younger ones may not be locked yet.
  private static let oldSeconds = 60

  let path: String
  private let lock: Descriptor

  var socketPath: String { "\(path)/\(Self.socketName)" }

  /// Only this user may connect: the folder is 0700 (mkdtemp(3)). Short, because a socket's path is (unix(7)).
  init() throws(CoordinatorError) {
    let base = ProcessInfo.processInfo.environment["XDG_RUNTIME_DIR"] ?? "/tmp"
    let root = base.utf8.count <= 60 && access(base, W_OK) == 0 ? base : "/tmp"
    Self.removeAbandoned(in: root)
    var template = Array("\(root)/\(Self.prefix)XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw CoordinatorError("cannot make a folder for the local socket in \(root): \(SystemError("mkdtemp").reason)")
    }
    let made = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    guard let lock = Self.lock(made) else {
      let error = SystemError("flock")
      rmdir(made)
      throw CoordinatorError("cannot lock the folder of the local socket \(made): \(error.reason)")
    }
    path = made
    self.lock = lock
  }

  deinit { Self.remove(path) }

  private static func removeAbandoned(in root: String) {
    for name in (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? [] where name.hasPrefix(prefix) {
      let path = "\(root)/\(name)"
      var information = stat()
      guard name.utf8.count == prefix.utf8.count + 6, lstat(path, &information) == 0,
        information.st_mode & S_IFMT == S_IFDIR, information.st_uid == geteuid(),
        information.st_mtim.tv_sec + oldSeconds < time(nil), lock(path) != nil
      else { continue }
      remove(path)
    }
  }

  /// nil if somebody else holds it.
  private static func lock(_ path: String) -> Descriptor? {
    let raw = openRelative(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    guard raw >= 0 else { return nil }
    let folder = Descriptor(owning: raw)
    guard (try? FileLocks.takeFileLock(raw)) == true else { return nil }
    return folder
  }

  /// Stays if something else is inside.
  private static func remove(_ path: String) {
    unlink("\(path)/\(socketName)")
    rmdir(path)
  }
}
