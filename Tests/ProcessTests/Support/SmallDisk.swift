import Foundation
import Glibc

/// A file system in memory, of a size of its own, in a folder of a sandbox. Lives no longer than the sandbox.
final class SmallDisk {
  let path: String

  /// Why there can be none here; nil if there can.
  static let obstacle: String? = {
    guard geteuid() == 0 else { return "file systems can be mounted by root only" }
    do {
      _ = try SmallDisk(in: Sandbox(), kibibytes: 64)
      return nil
    } catch {
      return "\(error)"
    }
  }()

  init(in sandbox: Sandbox, kibibytes: Int) throws {
    path = "\(sandbox.path)/disk"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    try runTool("/bin/mount", ["-t", "tmpfs", "-o", "size=\(kibibytes)k", "trawl-test", path])
  }

  deinit {
    // Lazily: a program that was killed a moment ago may still have files open there (umount(8)).
    try? runTool("/bin/umount", ["--lazy", path])
  }

  func resize(kibibytes: Int) throws { try runTool("/bin/mount", ["-o", "remount,size=\(kibibytes)k", path]) }

  func makeReadOnly() throws { try runTool("/bin/mount", ["-o", "remount,ro", path]) }
}
