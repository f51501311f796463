import FetchModel
import Glibc

// Calls that wait, for threads that have nothing else to do meanwhile; all go on after a signal.

/// Waits until one of these can be read without waiting, or is at its end; says which, in their order. None when so
/// many milliseconds are over; nil: without end.
package func waitUntilReadable(
  _ descriptors: [Int32],
  orFor milliseconds: Int32? = nil
) throws(SystemError) -> [Bool] {
  try wait(for: Int16(POLLIN), of: descriptors, milliseconds)
}

/// Waits until something can be written, or never again.
package func waitUntilWritable(_ descriptor: Int32) throws(SystemError) {
  _ = try wait(for: Int16(POLLOUT), of: [descriptor], nil)
}

private func wait(
  for events: Int16,
  of descriptors: [Int32],
  _ milliseconds: Int32?
) throws(SystemError) -> [Bool] {
  let begin = Clock.now()
  var entries = descriptors.map { pollfd(fd: $0, events: events, revents: 0) }
  while true {
    let passed = Int32(clamping: Clock.now().nanoseconds(since: begin) / 1_000_000)
    let count = poll(&entries, nfds_t(entries.count), milliseconds.map { max(0, $0 - passed) } ?? -1)
    if count >= 0 { return entries.map { $0.revents != 0 } }
    let error = SystemError("poll")
    guard error.number == EINTR else { throw error }
  }
}

/// So many bytes from where the descriptor stands; fewer only at the end.
package func readFully(_ descriptor: Int32, _ count: Int) throws(SystemError) -> [UInt8] {
  try fill(count, "read") { buffer, _ in read(descriptor, buffer.baseAddress, buffer.count) }
}

/// So many bytes from a place in a file, whose position stays; fewer only at the end.
package func readFully(_ descriptor: Int32, at offset: UInt64, _ count: Int) throws(SystemError) -> [UInt8] {
  try fill(count, "pread") { buffer, done in
    pread(descriptor, buffer.baseAddress, buffer.count, off_t(clamping: offset) + off_t(done))
  }
}

/// What there is, and so many bytes at most; waits for the first. Empty only at the end.
package func readAvailable(_ descriptor: Int32, atMost count: Int) throws(SystemError) -> [UInt8] {
  var isFirst = true
  return try fill(count, "read") { buffer, _ in
    // The end, as far as this call is concerned.
    guard isFirst else { return 0 }
    let got = read(descriptor, buffer.baseAddress, buffer.count)
    if got > 0 { isFirst = false }
    return got
  }
}

/// Reads until there are so many bytes or none come. `read` is given the room that is left, and how much there is.
private func fill(
  _ count: Int,
  _ call: StaticString,
  _ read: (UnsafeMutableRawBufferPointer, Int) -> Int
) throws(SystemError) -> [UInt8] {
  var failure: SystemError?
  let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, done in
    while done < count {
      let room = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[done..<count])
      let got = retryingInterrupted { read(room, done) }
      if got < 0 { failure = SystemError(call) }
      guard got > 0 else { return }
      done += got
    }
  }
  if let failure { throw failure }
  return bytes
}
