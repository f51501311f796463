import Records

/// Reads lines of one record file, wherever they are; those near the last one are at hand already.
struct LineFetcher {
  private static let aheadBytes: UInt64 = 512 * 1024
  private static let behindBytes: UInt64 = 64 * 1024

  private let folder: String
  private let name: String
  private let file: OpenFile?
  private var buffer: [UInt8] = []
  private var start: UInt64 = 0

  init(_ pass: Pass, in files: any FileLayer) throws(JobStoreError) {
    folder = files.path
    name = "\(files.path)/\(pass.resultsName)"
    file = try OpenFile.openIfPresent(pass.resultsName, in: files)
  }

  mutating func withLine(
    _ seq: UInt64,
    at offset: UInt64,
    length: Int,
    _ body: (Span<UInt8>) -> Bool
  ) throws(JobStoreError) -> Bool {
    let end = offset + UInt64(length)
    if offset < start || end > start + UInt64(buffer.count) { try fetch(offset, end) }
    let position = Int(offset - start)
    guard position + length <= buffer.count else { throw isMissing(seq) }
    let line = buffer.span.extracting(position..<position + length)
    guard isWellFormedLine(line, seq: seq) else { throw isMissing(seq) }
    return body(line)
  }

  /// Rows are recorded nearly in their order, so what is around a line is wanted soon.
  private mutating func fetch(_ offset: UInt64, _ end: UInt64) throws(JobStoreError) {
    buffer.removeAll(keepingCapacity: true)
    start = offset - min(offset, Self.behindBytes)
    let wanted = Int(max(end, offset + Self.aheadBytes) - start)
    while let file, buffer.count < wanted {
      let position = start + UInt64(buffer.count)
      guard try file.read(at: position, wanted - buffer.count, into: &buffer) > 0 else { return }
    }
  }

  private func isMissing(_ seq: UInt64) -> JobStoreError {
    JobStoreError("row \(seq) is not where \(name)'s index says; find out more with: coordinator verify \(folder)")
  }
}
