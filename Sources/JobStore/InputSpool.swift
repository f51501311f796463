import Glibc
import Records

/// Standard input as a file of the job, so that its rows can be read again. Bytes are durable before the rows in them
/// count. For one thread.
package struct InputSpool: ~Copyable {
  package static let name = "input"

  private let file: OpenFile
  /// Bytes so far.
  package private(set) var length: UInt64
  /// After an error nobody knows what the disk holds, and nothing more is spooled.
  private var failure: JobStoreError?

  /// Makes the file; it must not exist.
  package init(creatingIn files: any FileLayer) throws(JobStoreError) {
    let file = try OpenFile.open(Self.name, .creating, in: files)
    try files.makeNamesDurable()
    self.file = file
    length = 0
  }

  /// Goes on after a crash. `endedBytes` is what the journal says of the input's end; without it, the file is cut to
  /// its last whole line, and what else standard input held is lost with whoever wrote it.
  package init(recoveringIn files: any FileLayer, endedBytes: UInt64?) throws(JobStoreError) {
    let file = try OpenFile.open(Self.name, .appending, in: files)
    let size = try file.size()
    let end: UInt64
    if let endedBytes {
      guard endedBytes <= size else {
        throw JobStoreError("\(file.path) has \(size) bytes, but \(endedBytes) were read; the job cannot go on without")
      }
      end = endedBytes
    } else {
      end = try Self.lastLineEnd(of: file, size)
    }
    if end < size { try file.truncate(to: end) }
    try file.synchronize()
    try files.makeNamesDurable()
    self.file = file
    length = end
  }

  package mutating func append(_ bytes: [UInt8]) throws(JobStoreError) {
    if let failure { throw failure }
    do throws(JobStoreError) {
      try file.append(bytes)
    } catch {
      failure = error
      // The error that came first is the one to be told.
      do throws(JobStoreError) { try file.truncate(to: length) } catch {}
      throw error
    }
    length += UInt64(bytes.count)
  }

  /// Makes everything durable that was appended.
  package mutating func synchronize() throws(JobStoreError) {
    if let failure { throw failure }
    do throws(JobStoreError) {
      try file.synchronize()
    } catch {
      failure = error
      throw error
    }
  }

  /// Appends at most `count` bytes to `buffer`; 0 at the end of what is spooled.
  package func read(at offset: UInt64, _ count: Int, into buffer: inout [UInt8]) throws(JobStoreError) -> Int {
    try file.read(at: offset, count, into: &buffer)
  }

  /// Where the last newline's line ends; read from the end.
  private static func lastLineEnd(of file: OpenFile, _ size: UInt64) throws(JobStoreError) -> UInt64 {
    let chunk: UInt64 = 64 * 1024
    var end = size
    while end > 0 {
      let start = end - min(chunk, end)
      var bytes: [UInt8] = []
      while UInt64(bytes.count) < end - start {
        let position = start + UInt64(bytes.count)
        guard try file.read(at: position, Int(end - position), into: &bytes) > 0 else { break }
      }
      if let newline = bytes.lastIndex(of: UInt8(ascii: "\n")) { return start + UInt64(newline) + 1 }
      end = start
    }
    return 0
  }
}
