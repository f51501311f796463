import Glibc

/// Reads a file front to back through one buffer.
struct SequentialReader: ~Copyable {
  private static let chunkBytes = 512 * 1024

  private let file: OpenFile
  private let end: UInt64
  /// What was read and not consumed begins at `start`.
  private(set) var buffer: [UInt8] = []
  private(set) var start = 0
  /// Where in the file `start` is.
  private(set) var offset: UInt64

  /// From `offset` on to `end`, or to the file's end if that is before.
  init(_ file: OpenFile, from offset: UInt64, to end: UInt64) {
    self.file = file
    self.offset = offset
    self.end = max(offset, end)
  }

  /// Bytes at hand.
  var available: Int { buffer.count - start }

  /// Has `count` bytes at hand, or all that are left; returns whether they are that many.
  mutating func fill(_ count: Int) throws(JobStoreError) -> Bool {
    guard available < count else { return true }
    buffer.removeFirst(start)
    start = 0
    while available < count {
      let position = offset + UInt64(available)
      let wanted = min(UInt64(max(Self.chunkBytes, count - available)), end - position)
      guard wanted > 0, try file.read(at: position, Int(wanted), into: &buffer) > 0 else { return false }
    }
    return true
  }

  /// Counted from `start`, among the bytes at hand.
  func firstNewline(from first: Int) -> Int? {
    buffer.withUnsafeBytes { bytes -> Int? in
      let rest = UnsafeRawBufferPointer(rebasing: bytes[(start + first)...])
      guard let base = rest.baseAddress, let hit = memchr(base, 0x0A, rest.count) else { return nil }
      return first + base.distance(to: UnsafeRawPointer(hit))
    }
  }

  mutating func consume(_ count: Int) {
    precondition(count <= available)
    start += count
    offset += UInt64(count)
  }
}
