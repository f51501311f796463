import Glibc
import PosixIO

/// The real folder, over its descriptor: whatever becomes of its path, names are looked up in it and nowhere else.
final class SystemFiles: FileLayer {
  let path: String
  /// Of the folder; closed with the last reference.
  let descriptor: Int32

  /// Takes ownership of the descriptor.
  init(path: String, owning descriptor: Int32) {
    self.path = path
    self.descriptor = descriptor
  }

  deinit { _ = Glibc.close(descriptor) }

  func open(_ name: String, _ opening: FileOpening) throws(SystemError) -> Int32 {
    precondition(!name.isEmpty && !name.contains("/") && name != "..", "a file of a job has a flat name")
    let common = O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK
    let flags =
      switch opening {
      case .reading: O_RDONLY | common
      case .appending: O_RDWR | O_APPEND | O_CREAT | common
      case .creating: O_RDWR | O_APPEND | O_CREAT | O_EXCL | common
      }
    let raw = openRelative(descriptor, name, flags, 0o600)
    guard raw >= 0 else { throw SystemError("openat") }
    // O_NONBLOCK only keeps a pipe in the way from hanging the call; what is no file is refused.
    var information = stat()
    guard fstat(raw, &information) == 0, information.st_mode & S_IFMT == S_IFREG else {
      _ = Glibc.close(raw)
      throw SystemError("openat", number: EINVAL)
    }
    return raw
  }

  func close(_ file: Int32) { _ = Glibc.close(file) }

  func facts(_ file: Int32) throws(SystemError) -> FileFacts {
    var information = stat()
    guard fstat(file, &information) == 0 else { throw SystemError("fstat") }
    return FileFacts(size: UInt64(information.st_size), links: UInt64(information.st_nlink))
  }

  func read(
    _ file: Int32,
    at offset: UInt64,
    _ count: Int,
    into buffer: inout [UInt8]
  ) throws(SystemError) -> Int {
    var got = 0
    buffer.append(addingCapacity: count) { output in
      output.withUnsafeMutableBufferPointer { memory, initialized in
        repeat { got = pread(file, memory.baseAddress, count, off_t(clamping: offset)) } while got < 0 && errno == EINTR
        if got > 0 { initialized = got }
      }
    }
    guard got >= 0 else { throw SystemError("pread") }
    return got
  }

  func append(_ file: Int32, _ bytes: Span<UInt8>) throws(SystemError) -> Int {
    let count = bytes.withUnsafeBytes { bytes in
      var count = 0
      repeat { count = write(file, bytes.baseAddress, bytes.count) } while count < 0 && errno == EINTR
      return count
    }
    guard count >= 0 else { throw SystemError("write") }
    return count
  }

  func truncate(_ file: Int32, to size: UInt64) throws(SystemError) {
    guard ftruncate(file, off_t(clamping: size)) == 0 else { throw SystemError("ftruncate") }
  }

  func synchronize(_ file: Int32) throws(SystemError) {
    guard fdatasync(file) == 0 else { throw SystemError("fdatasync") }
  }

  func rename(_ name: String, to newName: String) throws(SystemError) {
    guard renameat(descriptor, name, descriptor, newName) == 0 else { throw SystemError("renameat") }
  }

  func remove(_ name: String) throws(SystemError) {
    guard unlinkat(descriptor, name, 0) == 0 else { throw SystemError("unlinkat") }
  }

  func synchronizeNames() throws(SystemError) {
    guard fsync(descriptor) == 0 else { throw SystemError("fsync") }
  }
}
