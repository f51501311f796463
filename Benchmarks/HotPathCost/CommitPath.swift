import FetchModel
import JobStore
import PosixIO

/// Blocks of finished rows into the files of a job and its index, a commit for every fourth. The disk takes
/// everything at once and keeps nothing.
enum CommitPath {
  private struct NoDisk: FileLayer {
    let path = "nowhere"

    func open(_ name: String, _ opening: FileOpening) throws(SystemError) -> Int32 { 3 }
    func close(_ file: Int32) {}
    func facts(_ file: Int32) throws(SystemError) -> FileFacts { FileFacts(size: 0, links: 1) }
    func read(_ file: Int32, at: UInt64, _ count: Int, into: inout [UInt8]) throws(SystemError) -> Int { 0 }
    func append(_ file: Int32, _ bytes: Span<UInt8>) throws(SystemError) -> Int { bytes.count }
    func truncate(_ file: Int32, to size: UInt64) throws(SystemError) {}
    func synchronize(_ file: Int32) throws(SystemError) {}
    func rename(_ name: String, to newName: String) throws(SystemError) {}
    func remove(_ name: String) throws(SystemError) {}
    func synchronizeNames() throws(SystemError) {}
  }

  static func run(_ count: Int) throws -> UInt64 {
    let recorder = try RecordPath.Recorder()
    var lines: [UInt8] = []
    let columns = (0..<Samples.blockRows).map { _ in recorder.append(to: &lines) }
    var writer = try PassWriter(creating: .main, identifier: Samples.jobIdentifier, in: NoDisk())
    for start in stride(from: 0, to: count, by: Samples.blockRows) {
      try writer.append(lines: lines, columns: columns)
      if start % (4 * Samples.blockRows) == 0 { try writer.commit() }
    }
    try writer.commit()
    return UInt64(lines.count)
  }
}
