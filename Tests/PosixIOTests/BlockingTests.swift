import Glibc
import PosixIO
import Testing

@Suite struct `Calls that wait` {
  /// A pipe whose ends can be closed one by one.
  private final class Pipe {
    let reading, writing: Int32
    private var open: Set<Int32>

    init() throws {
      var ends: [Int32] = [-1, -1]
      guard Glibc.pipe(&ends) == 0 else { throw SystemError("pipe") }
      (reading, writing) = (ends[0], ends[1])
      open = Set(ends)
    }

    deinit { for end in open { Glibc.close(end) } }

    func close(_ end: Int32) { if open.remove(end) != nil { Glibc.close(end) } }
  }

  private func put(_ text: String, into descriptor: Int32) throws {
    guard write(descriptor, text, text.utf8.count) == text.utf8.count else { throw SystemError("write") }
  }

  @Test func `say which descriptors can be read, or that time is over`() throws {
    let (first, second) = (try Pipe(), try Pipe())
    let both = [first.reading, second.reading]
    #expect(try waitUntilReadable(both, orFor: 1) == [false, false])
    try put("x", into: second.writing)
    #expect(try waitUntilReadable(both) == [false, true])
    try put("x", into: first.writing)
    #expect(try waitUntilReadable(both, orFor: 60_000) == [true, true])
    try waitUntilWritable(first.writing)
    withExtendedLifetime((first, second)) {}
  }

  @Test func `end at the end of a pipe, and where nobody reads`() throws {
    let ended = try Pipe()
    ended.close(ended.writing)
    #expect(try waitUntilReadable([ended.reading]) == [true])
    #expect(try readAvailable(ended.reading, atMost: 8) == [])
    let unread = try Pipe()
    unread.close(unread.reading)
    try waitUntilWritable(unread.writing)
    withExtendedLifetime((ended, unread)) {}
  }

  @Test func `fail instead of waiting for ever for what cannot be waited for`() throws {
    // More than there may be (getrlimit(2), poll(2)).
    let limit = Int(Process.raiseDescriptorLimit())
    guard limit < 4_000_000 else { return }
    #expect(throws: SystemError("poll", number: EINVAL)) {
      _ = try waitUntilReadable(Array(repeating: -1, count: limit + 1))
    }
  }

  @Test func `read a pipe as it comes, or until it is enough`() throws {
    let pipe = try Pipe()
    try put("abcdef", into: pipe.writing)
    #expect(try readAvailable(pipe.reading, atMost: 4) == Array("abcd".utf8))
    #expect(try readAvailable(pipe.reading, atMost: 4) == Array("ef".utf8))
    let end = pipe.writing
    var threads = ThreadGroup()
    try threads.spawn(name: "slow writer") {
      for byte in Array("ghij".utf8) {
        _ = withUnsafePointer(to: byte) { write(end, $0, 1) }
        sched_yield()
      }
    }
    #expect(try readFully(pipe.reading, 4) == Array("ghij".utf8))
    threads.join()
    try put("k", into: pipe.writing)
    pipe.close(pipe.writing)
    #expect(try readFully(pipe.reading, 4) == Array("k".utf8))
    #expect(try readFully(pipe.reading, 4) == [])
  }

  @Test func `read a file from where it stands, and from elsewhere without moving it`() throws {
    let stream = try #require(tmpfile())
    defer { fclose(stream) }
    let file = fileno(stream)
    try put("0123456789", into: file)
    #expect(lseek(file, 2, SEEK_SET) == 2)
    #expect(try readFully(file, at: 7, 8) == Array("789".utf8))
    #expect(try readFully(file, at: 0, 3) == Array("012".utf8))
    #expect(try readFully(file, at: 100, 3) == [])
    #expect(try readFully(file, 3) == Array("234".utf8))
    #expect(throws: SystemError("read", number: EBADF)) { try readFully(-1, 3) }
    #expect(throws: SystemError("pread", number: EBADF)) { try readFully(-1, at: 0, 3) }
    #expect(throws: SystemError("read", number: EBADF)) { try readAvailable(-1, atMost: 3) }
  }
}
