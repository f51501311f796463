import FetchModel
import Glibc
import PosixIO

/// A run of input lines with what the scheduler needs of each.
struct RowChunk: Sendable {
  struct Row: Sendable {
    let offset: UInt32
    let length: UInt32
    /// Index into `originKeys`; -1 for a line that is no valid request.
    let origin: Int32
    let mustNotRepeat: Bool
  }

  var bytes: [UInt8] = []
  var rows: [Row] = []
  /// The different origins of the rows.
  var originKeys: [[UInt8]] = []
}

enum InputEvent: Sendable {
  case chunk(RowChunk)
  case ended
  case failed(String)
}

enum InputCommand: Sendable { case more, stop }

/// The body of the input thread: lines become rows with their origins, a chunk at a time and only when asked, so that
/// memory does not depend on the input's length and a slow pipe delays nobody.
struct InputReader: ~Copyable {
  private static let readBytes = 128 * 1024

  private let descriptor: Int32
  private let name: String
  private let inbox: Mailbox<InputCommand>
  private let report: @Sendable (InputEvent) -> Void
  /// Whether rows that do not say otherwise are unsafe requests.
  private let isUnsafeByDefault: Bool
  private let repeatsUnsafe: Bool

  private var partial: [UInt8] = []
  private var isFirstRead = true
  private var hasEnded = false
  private var scratch = RowRequest()
  private var key: [UInt8] = []
  /// Of the last row that has one, and its index in the chunk.
  private var lastHost: [UInt8] = []
  private var lastPort: UInt16 = 0
  private var lastScheme = Scheme.http
  private var lastKeyIndex: Int32 = -1
  private var keyIndices: [[UInt8]: Int32] = [:]

  /// `descriptor` stays the caller's and has to outlive the thread.
  init(
    _ descriptor: Int32,
    name: String,
    request: RequestDefaults,
    repeatsUnsafe: Bool,
    inbox: Mailbox<InputCommand>,
    report: @escaping @Sendable (InputEvent) -> Void
  ) {
    self.descriptor = descriptor
    self.name = name
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
    keyIndices.removeAll(keepingCapacity: true)
    lastKeyIndex = -1
    while chunk.rows.isEmpty {
      if hasEnded {
        report(.ended)
        return false
      }
      guard waitForInput() else { return false }
      switch read() {
      case .success(let bytes): addLines(of: bytes, to: &chunk)
      case .failure(let error):
        report(.failed("cannot read \(name): \(SystemError.text(of: error.number))"))
        return false
      }
    }
    report(.chunk(chunk))
    return true
  }

  /// False if `stop` came first.
  private func waitForInput() -> Bool {
    while true {
      var entries = [
        pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
        pollfd(fd: inbox.signal.descriptor, events: Int16(POLLIN), revents: 0),
      ]
      guard poll(&entries, 2, -1) > 0 else { continue }
      if entries[1].revents != 0 {
        for command in inbox.drain() { if case .stop = command { return false } }
      }
      if entries[0].revents != 0 { return true }
    }
  }

  /// Some bytes; none at the end.
  private mutating func read() -> Result<[UInt8], SystemError> {
    var failure: SystemError?
    var bytes = [UInt8](unsafeUninitializedCapacity: Self.readBytes) { buffer, count in
      while true {
        let got = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
        if got < 0, errno == EINTR { continue }
        if got < 0 { failure = SystemError("read") }
        count = max(0, got)
        return
      }
    }
    if let failure { return .failure(failure) }
    if bytes.isEmpty { hasEnded = true }
    if isFirstRead, !bytes.isEmpty {
      isFirstRead = false
      // A byte order mark is no part of the first line.
      if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
    }
    return .success(bytes)
  }

  private mutating func addLines(of bytes: [UInt8], to chunk: inout RowChunk) {
    var start = 0
    while let end = Self.newline(in: bytes, from: start) {
      if partial.isEmpty {
        add(bytes[start..<end], to: &chunk)
      } else {
        extendPartial(bytes[start..<end])
        let line = partial
        partial.removeAll(keepingCapacity: true)
        add(line[...], to: &chunk)
      }
      start = end + 1
    }
    extendPartial(bytes[start...])
    if hasEnded, !partial.isEmpty {
      // The last line may lack its end.
      let line = partial
      partial = []
      add(line[...], to: &chunk)
    }
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

  private mutating func add(_ line: ArraySlice<UInt8>, to chunk: inout RowChunk) {
    let line = line.prefix(RowRequest.maximumLineBytes + 1)
    guard !isSkippedLine(line.span) else { return }
    let isJSON = line.first { $0 != 0x20 && $0 != 0x09 } == UInt8(ascii: "{")
    var mustNotRepeat = isUnsafeByDefault
    let hasOrigin: Bool
    if isJSON {
      // Its method decides whether it may be repeated, so all of it is read.
      hasOrigin = (try? scratch.parse(line.span)) != nil
      if hasOrigin, let method = scratch.method { mustNotRepeat = !method.isIdempotent }
    } else {
      hasOrigin = scratch.parseOrigin(line.span)
    }
    let row = RowChunk.Row(
      offset: UInt32(chunk.bytes.count),
      length: UInt32(line.count),
      origin: hasOrigin ? originIndex(in: &chunk) : -1,
      mustNotRepeat: mustNotRepeat && !repeatsUnsafe
    )
    chunk.bytes.append(contentsOf: line)
    chunk.rows.append(row)
  }

  private mutating func originIndex(in chunk: inout RowChunk) -> Int32 {
    // Lists are often sorted by host.
    if lastKeyIndex >= 0, scratch.url.port == lastPort, scratch.url.scheme == lastScheme, scratch.url.host == lastHost {
      return lastKeyIndex
    }
    key.removeAll(keepingCapacity: true)
    scratch.url.appendOriginKey(to: &key)
    let index: Int32
    if let known = keyIndices[key] {
      index = known
    } else {
      index = Int32(chunk.originKeys.count)
      chunk.originKeys.append(key)
      keyIndices[key] = index
    }
    lastHost.removeAll(keepingCapacity: true)
    lastHost.append(contentsOf: scratch.url.host)
    lastPort = scratch.url.port
    lastScheme = scratch.url.scheme
    lastKeyIndex = index
    return index
  }
}
