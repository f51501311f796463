// Reads requests from bytes fed in pieces of any size. No I/O. It is the other side of the product's client, so it
// accepts only what a correct client sends: a request it cannot frame with certainty is refused, never guessed at.

/// An incremental reader of HTTP/1.1 requests, pipelining included.
package struct RequestReader: Equatable, Sendable {
  package static let headLimit = 64 * 1024
  package static let bodyLimit = 64 * 1024 * 1024
  package static let keptBodyLimit = 64 * 1024
  private static let lineLimit = 8 * 1024

  package enum Event: Equatable, Sendable {
    case needMoreData
    /// The client waits for `100 Continue` before it sends the body.
    case expectsContinue
    case request(Request)
  }

  private enum State: Equatable {
    case head
    case body(remaining: Int)
    case chunkSize
    case chunkData(remaining: Int)
    case chunkEnd
    case trailers(bytes: Int)
  }

  private var buffer: [UInt8] = []
  private var consumed = 0
  /// Up to here no end of head was found, so that a head fed byte by byte is not searched anew each time.
  private var searched = 0
  private var state = State.head
  private var request: Request?

  package init() {}

  /// Adds received bytes.
  package mutating func append(_ bytes: some Collection<UInt8>) {
    if consumed == buffer.count {
      buffer.removeAll(keepingCapacity: true)
      searched = 0
      consumed = 0
    } else if consumed > Self.headLimit {
      buffer.removeFirst(consumed)
      searched = max(0, searched - consumed)
      consumed = 0
    }
    buffer.append(contentsOf: bytes)
  }

  /// The next event in the bytes received so far.
  package mutating func next() throws(RequestError) -> Event {
    while true {
      switch state {
      case .head:
        guard try takeHead() else { return .needMoreData }
        if let head = try readHead() { return head }
      case .body(let remaining):
        let left = try takeBody(remaining)
        state = .body(remaining: left)
        guard left == 0 else { return .needMoreData }
        return finish()
      case .chunkSize:
        guard let line = try takeLine() else { return .needMoreData }
        let size = try Self.chunkSize(line)
        state = size == 0 ? .trailers(bytes: 0) : .chunkData(remaining: size)
      case .chunkData(let remaining):
        let left = try takeBody(remaining)
        state = left == 0 ? .chunkEnd : .chunkData(remaining: left)
        guard left == 0 else { return .needMoreData }
      case .chunkEnd:
        guard let line = try takeLine() else { return .needMoreData }
        guard line.isEmpty else { throw .malformed }
        state = .chunkSize
      case .trailers(let bytes):
        guard let line = try takeLine() else { return .needMoreData }
        if line.isEmpty { return finish() }
        guard bytes + line.count <= Self.headLimit else { throw .headTooLarge }
        state = .trailers(bytes: bytes + line.count)
      }
    }
  }

  private mutating func finish() -> Event {
    guard let request else { preconditionFailure("a body ended without a head") }
    self.request = nil
    state = .head
    return .request(request)
  }

  // MARK: Head

  /// Moves `searched` behind the blank line that ends the head; false if it has not arrived.
  private mutating func takeHead() throws(RequestError) -> Bool {
    // RFC 9112 section 2.2: empty lines before the request line are ignored.
    while consumed < buffer.count, buffer[consumed] == 0x0D || buffer[consumed] == 0x0A { consumed += 1 }
    var index = max(searched, consumed)
    while index < buffer.count {
      if buffer[index] == 0x0A, index > consumed {
        let before = buffer[index - 1] == 0x0D ? index - 2 : index - 1
        if before >= consumed, buffer[before] == 0x0A {
          searched = index + 1
          return searched - consumed <= Self.headLimit ? true : try tooLarge()
        }
      }
      index += 1
    }
    searched = index
    return buffer.count - consumed <= Self.headLimit ? false : try tooLarge()
  }

  private func tooLarge() throws(RequestError) -> Bool { throw .headTooLarge }

  /// Reads the head that ends at `searched` and enters the body's state; an event if there is one already.
  private mutating func readHead() throws(RequestError) -> Event? {
    let head = buffer[consumed..<searched]
    consumed = searched
    guard let lineEnd = head.firstIndex(of: 0x0A) else { throw .malformed }
    let words = trimmed(head[..<lineEnd]).split(separator: 0x20, omittingEmptySubsequences: false)
    guard words.count == 3, !words[0].isEmpty, let target = String(validating: words[1], as: UTF8.self) else {
      throw .malformed
    }
    guard target.utf8.first == UInt8(ascii: "/") || target == "*" else { throw .malformed }
    let isVersion11 = words[2].elementsEqual("HTTP/1.1".utf8)
    guard isVersion11 || words[2].elementsEqual("HTTP/1.0".utf8) else { throw .malformed }
    var fields = FramingFields(keepAlive: isVersion11)
    let lines = head[(lineEnd + 1)...]
    try fields.read(lines)
    request = Request(
      method: String(decoding: words[0], as: UTF8.self),
      target: RequestTarget(target),
      keepAlive: fields.keepAlive,
      wantsCount: fields.wantsCount,
      fieldLines: Array(lines)
    )
    if fields.isChunked {
      guard fields.contentLength == nil else { throw .malformed }
      state = .chunkSize
    } else if let length = fields.contentLength, length > 0 {
      guard length <= Self.bodyLimit else { throw .bodyTooLarge }
      state = .body(remaining: length)
    } else {
      return finish()
    }
    return fields.expectsContinue && consumed == buffer.count ? .expectsContinue : nil
  }

  // MARK: Body

  /// Takes up to `remaining` bytes of body and returns how many are still to come.
  private mutating func takeBody(_ remaining: Int) throws(RequestError) -> Int {
    let count = min(remaining, buffer.count - consumed)
    let piece = buffer[consumed..<(consumed + count)]
    consumed += count
    request?.bodyBytes += count
    guard let taken = request?.bodyBytes, taken <= Self.bodyLimit else { throw .bodyTooLarge }
    request?.bodyHash.update(piece)
    if let kept = request?.body.count, kept < Self.keptBodyLimit {
      request?.body.append(contentsOf: piece.prefix(Self.keptBodyLimit - kept))
    }
    return remaining - count
  }

  /// One line without its end; nil if it has not arrived in full.
  private mutating func takeLine() throws(RequestError) -> ArraySlice<UInt8>? {
    let rest = buffer[consumed...]
    guard let end = rest.prefix(Self.lineLimit).firstIndex(of: 0x0A) else {
      guard rest.count < Self.lineLimit else { throw .malformed }
      return nil
    }
    consumed = end + 1
    return trimmed(rest[..<end])
  }

  private static func chunkSize(_ line: ArraySlice<UInt8>) throws(RequestError) -> Int {
    let digits = trimmed(line.prefix(while: { $0 != UInt8(ascii: ";") }))
    guard (1...8).contains(digits.count) else { throw .malformed }
    var size = 0
    for digit in digits {
      guard let value = hexValue(digit) else { throw .malformed }
      size = size << 4 | Int(value)
    }
    guard size <= bodyLimit else { throw .bodyTooLarge }
    return size
  }
}
