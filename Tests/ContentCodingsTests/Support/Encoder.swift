import Glibc

/// A command that failed, or is not there.
struct CommandError: Error, CustomStringConvertible {
  let description: String
}

/// What encoders of others make: the commands gzip, brotli and zstd, and Python's zlib for what gzip has no option for.
enum Encoder {
  /// The command's output for this input. Both are files without a name, so that neither side waits for the other.
  static func run(_ words: [String], _ input: [UInt8]) throws -> [UInt8] {
    let source = try unnamedFile()
    defer { close(source) }
    let target = try unnamedFile()
    defer { close(target) }
    var written = 0
    while written < input.count {
      let count = input[written...].withUnsafeBytes { pwrite(source, $0.baseAddress, $0.count, written) }
      guard count > 0 else { throw CommandError(description: "pwrite: \(errno)") }
      written += count
    }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, source, 0)
    posix_spawn_file_actions_adddup2(&actions, target, 1)
    var arguments = words.map { strdup($0) }
    arguments.append(nil)
    defer { for argument in arguments { free(argument) } }
    var process = pid_t()
    guard posix_spawnp(&process, words[0], &actions, nil, arguments, environ) == 0 else {
      throw CommandError(description: "\(words[0]) cannot be started; deploy/setup.sh says what the tests need")
    }
    var status: Int32 = 0
    guard waitpid(process, &status, 0) == process, status == 0 else {
      throw CommandError(description: "\(words.joined(separator: " ")): status \(status)")
    }
    let size = Int(lseek(target, 0, SEEK_END))
    return try [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      while count < size {
        let rest = UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: buffer[count...]))
        let read = pread(target, rest.baseAddress, rest.count, count)
        guard read > 0 else { throw CommandError(description: "pread: \(errno)") }
        count += read
      }
    }
  }

  static func gzip(_ content: [UInt8], _ options: String...) throws -> [UInt8] {
    try run(["gzip", "-c"] + options, content)
  }

  /// Options beside `--stdout`; a window is chosen with "--lgwin=BITS".
  static func brotli(_ content: [UInt8], _ options: String...) throws -> [UInt8] {
    try run(["brotli", "-c"] + options, content)
  }

  /// From a stream, so the frame has no content size and its window is what the options say.
  static func zstd(_ content: [UInt8], _ options: String...) throws -> [UInt8] {
    try run(["zstd", "-q", "-c"] + options, content)
  }

  /// A zlib stream with these window bits, as Python's zlib spells them: -15 is without header, 31 is gzip.
  static func zlib(_ content: [UInt8], windowBits: Int = 15, level: Int = 9) throws -> [UInt8] {
    let script = """
      import sys, zlib
      coder = zlib.compressobj(\(level), zlib.DEFLATED, \(windowBits))
      sys.stdout.buffer.write(coder.compress(sys.stdin.buffer.read()) + coder.flush())
      """
    return try run(["python3", "-c", script], content)
  }

  /// A gzip member with every optional part: FTEXT, FHCRC, FEXTRA, FNAME, FCOMMENT (RFC 1952 section 2.3.1).
  static func fullGzip(_ content: [UInt8]) throws -> [UInt8] {
    let script = """
      import struct, sys, zlib
      content = sys.stdin.buffer.read()
      coder = zlib.compressobj(9, zlib.DEFLATED, -15)
      head = b"\\x1f\\x8b\\x08\\x1f\\0\\0\\0\\0\\0\\x03" + b"\\x06\\0ab\\x02\\0cd" + b"name.html\\0" + b"a comment\\0"
      head += struct.pack("<H", zlib.crc32(head) & 0xffff)
      body = coder.compress(content) + coder.flush()
      sys.stdout.buffer.write(head + body + struct.pack("<II", zlib.crc32(content), len(content)))
      """
    return try run(["python3", "-c", script], content)
  }

  private static func unnamedFile() throws -> Int32 {
    var path = Array("\(P_tmpdir)/codings-XXXXXX".utf8CString)
    let file = mkstemp(&path)
    guard file >= 0 else { throw CommandError(description: "mkstemp: \(errno)") }
    unlink(path)
    return file
  }
}
