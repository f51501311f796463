import Glibc
import PosixIO

/// An open file of a job; closed with the last reference. Its errors name it.
final class OpenFile: Sendable {
  let name: String
  let files: any FileLayer
  private let number: Int32

  private init(_ name: String, _ files: any FileLayer, _ number: Int32) {
    self.name = name
    self.files = files
    self.number = number
  }

  deinit { files.close(number) }

  var path: String { "\(files.path)/\(name)" }

  static func open(_ name: String, _ opening: FileOpening, in files: any FileLayer) throws(JobStoreError) -> OpenFile {
    do throws(SystemError) {
      return OpenFile(name, files, try files.open(name, opening))
    } catch {
      throw openingError(name, files, error)
    }
  }

  /// nil if there is no such file.
  static func openIfPresent(
    _ name: String,
    _ opening: FileOpening = .reading,
    in files: any FileLayer
  ) throws(JobStoreError) -> OpenFile? {
    do throws(SystemError) {
      return OpenFile(name, files, try files.open(name, opening))
    } catch {
      if error.number == ENOENT { return nil }
      throw openingError(name, files, error)
    }
  }

  private static func openingError(_ name: String, _ files: any FileLayer, _ error: SystemError) -> JobStoreError {
    let path = "\(files.path)/\(name)"
    if error.number == EINVAL { return JobStoreError("cannot open \(path): it is no plain file; remove it") }
    return JobStoreError("open", path, error)
  }

  func facts() throws(JobStoreError) -> FileFacts {
    do throws(SystemError) { return try files.facts(number) } catch { throw JobStoreError("read", path, error) }
  }

  func size() throws(JobStoreError) -> UInt64 { try facts().size }

  /// Appends at most `count` bytes of the file to `buffer`; 0 at its end.
  func read(at offset: UInt64, _ count: Int, into buffer: inout [UInt8]) throws(JobStoreError) -> Int {
    do throws(SystemError) {
      return try files.read(number, at: offset, count, into: &buffer)
    } catch {
      throw JobStoreError("read", path, error)
    }
  }

  /// Appends everything, however many calls it takes.
  func append(_ bytes: [UInt8]) throws(JobStoreError) {
    var written = 0
    do throws(SystemError) {
      while written < bytes.count {
        let count = try files.append(number, bytes.span.extracting(written..<bytes.count))
        // write(2) takes nothing only where there is nothing to take; do not ask for ever.
        guard count > 0 else { throw SystemError("write", number: EIO) }
        written += count
      }
    } catch {
      throw JobStoreError(writing: path, in: files.path, error)
    }
  }

  func truncate(to size: UInt64) throws(JobStoreError) {
    do throws(SystemError) {
      try files.truncate(number, to: size)
    } catch {
      throw JobStoreError(writing: path, in: files.path, error)
    }
  }

  func synchronize() throws(JobStoreError) {
    do throws(SystemError) {
      try files.synchronize(number)
    } catch {
      throw JobStoreError(writing: path, in: files.path, error)
    }
  }
}

extension FileLayer {
  /// `synchronizeNames`, with an error that names the folder.
  func makeNamesDurable() throws(JobStoreError) {
    do throws(SystemError) { try synchronizeNames() } catch { throw JobStoreError(writing: path, in: path, error) }
  }

  /// Puts a file in place whole or not at all, under whatever was there: write, fsync, rename, fsync of the folder.
  /// Not `durably`, without the two syncs, it is whole for those who read it, and a crash may leave anything.
  package func replace(_ name: String, with bytes: [UInt8], durably: Bool) throws(JobStoreError) {
    try replace(name, durably: durably) { (file) throws(JobStoreError) in try file.append(bytes) }
  }

  /// The same for a file that is written piece by piece.
  func replace(
    _ name: String,
    durably: Bool,
    _ write: (OpenFile) throws(JobStoreError) -> Void
  ) throws(JobStoreError) {
    let temporary = ".\(name).new"
    // Left by somebody who was stopped.
    try removeIfPresent(temporary)
    let file = try OpenFile.open(temporary, .creating, in: self)
    try write(file)
    if durably { try file.synchronize() }
    try move(temporary, to: name)
    if durably { try makeNamesDurable() }
  }

  func removeIfPresent(_ name: String) throws(JobStoreError) {
    do throws(SystemError) {
      try remove(name)
    } catch {
      guard error.number == ENOENT else { throw JobStoreError("remove", "\(path)/\(name)", error) }
    }
  }

  func move(_ name: String, to newName: String) throws(JobStoreError) {
    do throws(SystemError) {
      try rename(name, to: newName)
    } catch {
      throw JobStoreError(writing: "\(path)/\(newName)", in: path, error)
    }
  }
}
