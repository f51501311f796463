import FetchModel
import Glibc
import PosixIO

/// A run of input lines with what the scheduler needs of each.
struct RowChunk: Sendable {
  struct Row: Sendable {
    /// Index into `originKeys` of a line that is no valid request.
    static let noOrigin: Int32 = -1
    /// In its place, for a row that this pass has nothing to do with any more; it has no bytes.
    static let settled: Int32 = -2

    let offset: UInt32
    let length: UInt32
    let origin: Int32
    let mustNotRepeat: Bool
    /// The same, but for the user's word that it may be repeated.
    let isUnsafe: Bool
  }

  var bytes: [UInt8] = []
  var rows: [Row] = []
  /// The different origins of the rows.
  var originKeys: [[UInt8]] = []
  /// Running hashes of the input after blocks that were read for the first time.
  var hashes: [UInt64] = []
  /// Rows that were left out because they must not be sent twice and may have been sent.
  var withheld = 0
}

enum InputEvent: Sendable {
  case chunk(RowChunk)
  /// `isCut`: there was more, which is lost.
  case ended(bytes: UInt64, isCut: Bool, hashes: [UInt64])
  case failed(String)
}

enum InputCommand: Sendable { case more, stop }

/// Which rows of the input are none of this pass's business.
struct SettledRows: Sendable {
  /// Recorded, or not chosen.
  var settled = RowSet()
  /// Failed with a fate that nobody knows: settled if they must not be sent twice.
  var unclear = RowSet()
}

/// The body of the input thread: lines become rows with their origins, a chunk at a time and only when asked, so that
/// memory does not depend on the input's length and a slow pipe delays nobody.
struct InputReader: ~Copyable {
  private var source: InputSource
  private let settled: SettledRows
  private let inbox: Mailbox<InputCommand>
  private let report: @Sendable (InputEvent) -> Void
  /// Whether rows that do not say otherwise are unsafe requests.
  private let isUnsafeByDefault: Bool
  private let repeatsUnsafe: Bool

  private var partial: [UInt8] = []
  private var isFirstRead = true
  /// Number of the next row.
  private var nextSeq: UInt64 = 0
  private var scratch = RowRequest()
  private var key: [UInt8] = []
  /// Of the last row that has one, and its index in the chunk.
  private var lastHost: [UInt8] = []
  private var lastPort: UInt16 = 0
  private var lastScheme = Scheme.http
  private var lastKeyIndex: Int32 = -1
  /// Of origins that were seen lately, and where in which chunk's keys they stand. Kept from chunk to chunk, because
  /// most origins come again and to make a key anew costs an allocation.
  private var keyPlaces: [[UInt8]: KeyPlace] = [:]
  private var chunkNumber = 0
  /// When so many are known they are forgotten: inputs have as many origins as they like.
  private static let maximumKeyPlaces = 1 << 16

  private struct KeyPlace {
    var chunk: Int
    var index: Int32
  }

  init(
    _ source: consuming InputSource,
    request: RequestDefaults,
    repeatsUnsafe: Bool,
    settled: SettledRows,
    inbox: Mailbox<InputCommand>,
    report: @escaping @Sendable (InputEvent) -> Void
  ) {
    self.source = source
    self.settled = settled
    self.inbox = inbox
    self.report = report
    isUnsafeByDefault = !request.method.isIdempotent
    self.repeatsUnsafe = repeatsUnsafe
  }

  mutating func run() {
    while true {
      inbox.signal.wait()
      let commands = inbox.drain()
      if commands.contains(.stop) { return }
      // The wait inside ends at once when `stop` comes.
      for _ in commands { guard readChunk() else { return } }
    }
  }

  /// Reads until there are rows to report, or the end; false if there is nothing more to do.
  private mutating func readChunk() -> Bool {
    var chunk = RowChunk()
    chunkNumber += 1
    if keyPlaces.count > Self.maximumKeyPlaces { keyPlaces.removeAll(keepingCapacity: true) }
    lastKeyIndex = -1
    while chunk.rows.isEmpty {
      let inbox = inbox
      switch source.read(unless: inbox.signal, isOver: { inbox.drain().contains(.stop) }) {
      case .stopped: return false
      case .failed(let message):
        report(.failed(message))
        return false
      case .block(var block):
        if isFirstRead {
          isFirstRead = false
          // A byte order mark is no part of the first line.
          if block.starts(with: [0xEF, 0xBB, 0xBF]) { block.removeFirst(3) }
        }
        addLines(of: block, to: &chunk)
        guard isWithinLimit() else { return false }
      case .ended(let bytes, let isCut):
        // The last line may lack its end.
        let line = partial
        partial = []
        if !line.isEmpty { add(line.span, to: &chunk) }
        guard isWithinLimit() else { return false }
        let hashes = source.takeHashes()
        if !chunk.rows.isEmpty { report(.chunk(chunk)) }
        report(.ended(bytes: bytes, isCut: isCut, hashes: hashes))
        return false
      }
    }
    chunk.hashes = source.takeHashes()
    report(.chunk(chunk))
    return true
  }

  /// Whether every row so far has a number that it may have; told if not.
  private func isWithinLimit() -> Bool {
    if nextSeq <= RowSet.limit { return true }
    report(.failed("\(source.name) has more than \(RowSet.limit) rows; split it, and start a job for each part"))
    return false
  }

  private mutating func addLines(of bytes: [UInt8], to chunk: inout RowChunk) {
    var start = 0
    while let end = Self.newline(in: bytes, from: start) {
      if partial.isEmpty {
        add(bytes.span.extracting(start..<end), to: &chunk)
      } else {
        extendPartial(bytes[start..<end])
        let line = partial
        partial.removeAll(keepingCapacity: true)
        add(line.span, to: &chunk)
      }
      start = end + 1
    }
    extendPartial(bytes[start...])
  }

  /// Of a line that is too long no more is kept than shows that it is.
  private mutating func extendPartial(_ bytes: ArraySlice<UInt8>) {
    partial.append(contentsOf: bytes.prefix(RowRequest.maximumLineBytes + 1 - partial.count))
  }

  private static func newline(in bytes: [UInt8], from start: Int) -> Int? {
    bytes.withUnsafeBytes { buffer in
      guard start < buffer.count, let base = buffer.baseAddress,
        let found = memchr(base + start, 0x0A, buffer.count - start)
      else { return nil }
      return UnsafeRawPointer(found) - base
    }
  }

  private mutating func add(_ wholeLine: Span<UInt8>, to chunk: inout RowChunk) {
    let line = wholeLine.extracting(first: RowRequest.maximumLineBytes + 1)
    guard !isSkippedLine(line) else { return }
    let seq = nextSeq
    nextSeq += 1
    guard !settled.settled.contains(seq) else { return addSettled(to: &chunk) }
    var isUnsafe = isUnsafeByDefault
    let hasOrigin: Bool
    if Self.isJSON(line) {
      // Its method decides whether it may be repeated, so all of it is read.
      hasOrigin = (try? scratch.parse(line)) != nil
      if hasOrigin, let method = scratch.method { isUnsafe = !method.isIdempotent }
    } else {
      hasOrigin = scratch.parseOrigin(line)
    }
    let mustNotRepeat = isUnsafe && !repeatsUnsafe
    if mustNotRepeat, settled.unclear.contains(seq) {
      chunk.withheld += 1
      return addSettled(to: &chunk)
    }
    let row = RowChunk.Row(
      offset: UInt32(chunk.bytes.count),
      length: UInt32(line.count),
      origin: hasOrigin ? originIndex(in: &chunk) : RowChunk.Row.noOrigin,
      mustNotRepeat: mustNotRepeat,
      isUnsafe: isUnsafe
    )
    line.withUnsafeBufferPointer { chunk.bytes.append(contentsOf: $0) }
    chunk.rows.append(row)
  }

  private static func isJSON(_ line: Span<UInt8>) -> Bool {
    var index = 0
    while index < line.count, line[index] == 0x20 || line[index] == 0x09 { index += 1 }
    return index < line.count && line[index] == UInt8(ascii: "{")
  }

  private func addSettled(to chunk: inout RowChunk) {
    chunk.rows.append(
      RowChunk.Row(offset: 0, length: 0, origin: RowChunk.Row.settled, mustNotRepeat: false, isUnsafe: false)
    )
  }

  /// Index of `key` in the chunk's keys, to which it is added unless it is there.
  private mutating func place(in chunk: inout RowChunk) -> Int32 {
    let next = KeyPlace(chunk: chunkNumber, index: Int32(chunk.originKeys.count))
    guard let known = keyPlaces.index(forKey: key) else {
      chunk.originKeys.append(key)
      keyPlaces[key] = next
      return next.index
    }
    if keyPlaces.values[known].chunk == chunkNumber { return keyPlaces.values[known].index }
    chunk.originKeys.append(keyPlaces[known].key)
    keyPlaces.values[known] = next
    return next.index
  }

  private mutating func originIndex(in chunk: inout RowChunk) -> Int32 {
    // Lists are often sorted by host.
    if lastKeyIndex >= 0, scratch.url.port == lastPort, scratch.url.scheme == lastScheme, scratch.url.host == lastHost {
      return lastKeyIndex
    }
    key.removeAll(keepingCapacity: true)
    scratch.url.appendOriginKey(to: &key)
    let index = place(in: &chunk)
    lastHost.removeAll(keepingCapacity: true)
    lastHost.append(contentsOf: scratch.url.host)
    lastPort = scratch.url.port
    lastScheme = scratch.url.scheme
    lastKeyIndex = index
    return index
  }
}
