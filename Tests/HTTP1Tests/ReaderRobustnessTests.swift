import FetchModel
import HTTP1
import Testing

/// SplitMix64: the same numbers on every machine.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

@Suite struct ReaderRobustnessTests {
  private static let fragments: [String] = [
    "HTTP/1.1 200 OK\r\n", "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.0 304 X\r\n", "\r\n", "\r\n\r\n", "\r", "\n",
    " ", "\t", "Content-Length: ", "5", "Transfer-Encoding: chunked\r\n", "Connection: close\r\n", "A: b\r\n",
    " fold\r\n", ":", ";", "a=\"b\\\"\"", "5\r\nhello\r\n", "0\r\n", "ffff\r\n", "\u{0}", "\u{FF}", ",", "hello",
    "1\r\nx\r\n",
  ]

  private static func stream(_ generator: inout SeededGenerator) -> [UInt8] {
    var stream = Bool.random(using: &generator) ? octets("HTTP/1.1 200 OK\r\n") : []
    if Bool.random(using: &generator) { stream += octets("Transfer-Encoding: chunked\r\n\r\n") }
    for _ in 0..<Int.random(in: 0..<12, using: &generator) {
      stream += octets(fragments.randomElement(using: &generator) ?? "")
    }
    for _ in 0..<Int.random(in: 0..<3, using: &generator) where !stream.isEmpty {
      stream[Int.random(in: 0..<stream.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
    }
    return stream
  }

  @Test func `no stream crashes the reader or is read differently for the way it is cut`() throws {
    for seed in 0..<400 as Range<UInt64> {
      var generator = SeededGenerator(state: seed)
      let stream = Self.stream(&generator)
      let end: StreamEnd = Bool.random(using: &generator) ? .clean : .unclean
      do {
        _ = try read(stream, end: end, method: Bool.random(using: &generator) ? .get : .head)
      } catch {
        Issue.record("seed \(seed): \(text(stream).debugDescription): \(error)")
      }
    }
  }

  @Test func `random octets are refused or want more, never trusted`() {
    var generator = SeededGenerator(state: 7)
    var reader = ResponseReader()
    for _ in 0..<2000 {
      let length = Int.random(in: 1..<200, using: &generator)
      let stream = (0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) }
      #expect(reader.transcript(of: [stream[...]]).error != nil)
    }
  }

  @Test func `random pieces of a long response give the same as the whole`() {
    var stream = octets("HTTP/1.1 103 X\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nA: b\r\n  c\r\n\r\n")
    for size in 0..<300 {
      stream += octets(String(size + 1, radix: 16) + (size % 3 == 0 ? ";a=b" : "") + "\r\n")
      stream += [UInt8](repeating: UInt8(truncatingIfNeeded: size), count: size + 1) + octets("\r\n")
    }
    stream += octets("0\r\nT: u\r\n\r\n")
    var reader = ResponseReader()
    let whole = reader.transcript(of: [stream[...]], end: .keepOpen)
    #expect(whole.isComplete && whole.body.count == 300 * 301 / 2)
    for seed in 0..<40 as Range<UInt64> {
      var generator = SeededGenerator(state: seed)
      var pieces: [ArraySlice<UInt8>] = []
      var rest = stream[...]
      while !rest.isEmpty {
        let count = Int.random(in: 0...700, using: &generator)
        pieces.append(rest.prefix(count))
        rest = rest.dropFirst(count)
      }
      #expect(reader.transcript(of: pieces, end: .keepOpen) == whole, "seed \(seed)")
    }
  }

  /// Counted, not timed: one call for each chunk and its line ends, each call consuming all but what follows it.
  @Test func `a hundred thousand chunks of one byte take one event each`() throws {
    var reader = ResponseReader()
    reader.begin(for: .get)
    _ = try reader.read(octets("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").span)
    let chunk = octets("1\r\nx\r\n")
    let chunks = (0..<1000).flatMap { _ in chunk }
    var events = 0
    for _ in 0..<100 {
      var position = 0
      while position < chunks.count {
        let (consumed, event) = try reader.read(chunks.span.extracting(position..<chunks.count))
        #expect(consumed <= chunk.count)
        position += consumed
        if case .body = event { events += 1 }
      }
    }
    #expect(events == 100_000)
    let last = octets("0\r\n\r\n")
    #expect(try reader.read(last.span) == (last.count, .end))
  }

  @Test func `a reader is a value whose copies go on by themselves`() throws {
    var reader = ResponseReader()
    reader.begin(for: .get)
    let start = octets("HTTP/1.1 200 OK\r\nContent-Le")
    _ = try reader.read(start.span)
    var copy = reader
    #expect(copy == reader)
    _ = try reader.read(octets("ngth: 5\r\n\r\n").span)
    _ = try copy.read(octets("ngth: 6\r\n\r\n").span)
    #expect(reader.head.framing == .length(5) && copy.head.framing == .length(6))
  }
}
