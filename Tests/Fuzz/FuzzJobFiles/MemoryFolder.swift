import Glibc
import JobStore
import PosixIO
import Synchronization

/// A job's folder in memory; nothing in it ever fails.
final class MemoryFolder: FileLayer {
  private struct State {
    var files: [String: [UInt8]]
    var open: [Int32: String] = [:]
    var next: Int32 = 3
  }

  let path = "job"
  private let state: Mutex<State>

  init(_ contents: [String: [UInt8]]) { state = Mutex(State(files: contents)) }

  var contents: [String: [UInt8]] { state.withLock { $0.files } }

  func open(_ name: String, _ opening: FileOpening) throws(SystemError) -> Int32 {
    let file = state.withLock { state -> Int32? in
      if state.files[name] == nil {
        guard opening != .reading else { return nil }
        state.files[name] = []
      }
      state.next += 1
      state.open[state.next] = name
      return state.next
    }
    guard let file else { throw SystemError("openat", number: ENOENT) }
    return file
  }

  func close(_ file: Int32) { state.withLock { $0.open[file] = nil } }

  func facts(_ file: Int32) -> FileFacts {
    withFile(file) { FileFacts(size: UInt64($0.count), links: 1) }
  }

  func read(_ file: Int32, at offset: UInt64, _ count: Int, into buffer: inout [UInt8]) -> Int {
    let bytes = withFile(file) { $0.dropFirst(Int(clamping: offset)).prefix(count) }
    buffer += bytes
    return bytes.count
  }

  func append(_ file: Int32, _ bytes: Span<UInt8>) -> Int {
    let copy = bytes.withUnsafeBufferPointer { Array($0) }
    withFile(file) { $0 += copy }
    return copy.count
  }

  func truncate(_ file: Int32, to size: UInt64) {
    withFile(file) { bytes in
      precondition(size <= bytes.count, "a file is only ever made shorter")
      bytes.removeLast(bytes.count - Int(size))
    }
  }

  func synchronize(_ file: Int32) {}

  func rename(_ name: String, to newName: String) throws(SystemError) {
    let isThere = state.withLock { state in
      guard let bytes = state.files.removeValue(forKey: name) else { return false }
      state.files[newName] = bytes
      return true
    }
    if !isThere { throw SystemError("renameat", number: ENOENT) }
  }

  func remove(_ name: String) throws(SystemError) {
    let isThere = state.withLock { $0.files.removeValue(forKey: name) != nil }
    if !isThere { throw SystemError("unlinkat", number: ENOENT) }
  }

  func synchronizeNames() {}

  private func withFile<Result>(_ file: Int32, _ body: (inout [UInt8]) -> sending Result) -> Result {
    state.withLock { state in
      guard let name = state.open[file] else { preconditionFailure("a file is used that is not open") }
      return body(&state.files[name, default: []])
    }
  }
}
