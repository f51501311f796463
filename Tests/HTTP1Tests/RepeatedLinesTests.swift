import FetchModel
import HTTP1
import Testing

/// A line that the response before had in its place is not read again; nobody must be able to tell.
@Suite struct `A line that is repeated` {
  /// What a reader makes of `later` after `earlier`, both in pieces of `size` bytes.
  private func transcript(
    of later: [UInt8],
    after earlier: [UInt8],
    in size: Int = .max,
    limits: ReaderLimits = ReaderLimits()
  ) -> Transcript {
    var reader = ResponseReader(limits: limits)
    _ = reader.transcript(of: pieces(of: earlier, size))
    return reader.transcript(of: pieces(of: later, size))
  }

  private func transcript(of bytes: [UInt8], in size: Int = .max, limits: ReaderLimits = ReaderLimits()) -> Transcript {
    var reader = ResponseReader(limits: limits)
    return reader.transcript(of: pieces(of: bytes, size))
  }

  private func pieces(of bytes: [UInt8], _ size: Int) -> [ArraySlice<UInt8>] {
    stride(from: 0, to: bytes.count, by: min(size, bytes.count)).map { bytes[$0...].prefix(size) }
  }

  @Test(arguments: Fixture.all)
  func `is the same after any other response`(_ earlier: Fixture) {
    for later in Fixture.all {
      let (first, second) = (Array(earlier.raw), Array(later.raw))
      for size in [Int.max, 7] {
        #expect(transcript(of: second, after: first, in: size) == transcript(of: second, in: size), "\(later.id)")
      }
    }
  }

  @Test func `may end in other ways`() {
    let head = "HTTP/1.1 200 OK\r\nA: one\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n"
    let others = [
      head, head.replacing("one", with: "two"), head.replacing("one", with: "one "),
      head.replacing("one\r\n", with: "one\n"),
      head.replacing("one\r\n", with: "one\r"), head.replacing("one", with: "one\r\n more"),
      head.replacing("one", with: "\r\n one"), head.replacing("A", with: "a"), head.replacing("A: one\r\n", with: ""),
      head.replacing("A: one\r\n", with: "A: one\r\nA: one\r\n"), head.replacing("keep-alive", with: "close"),
      head.replacing("Content-Length: 0", with: "Content-Length: 0\r\nContent-Length: 1"),
      head.replacing("Content-Length: 0", with: "Content-Length:\r\n 0"), String(head.dropLast(3)),
      "HTTP/1.1 100 Continue\r\nA: one\r\n\r\n" + head,
      "HTTP/1.1 200 OK\r\nA: one\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: one\r\nB: two\r\n\r\n",
    ].map { octets($0) }
    for earlier in others {
      for later in others {
        for size in [Int.max, 1, 5] {
          #expect(transcript(of: later, after: earlier, in: size) == transcript(of: later, in: size))
        }
      }
    }
  }

  @Test func `is bound by the same limits`() {
    for change in -2...2 {
      var limits = ReaderLimits()
      limits.fieldLineBytes = 200
      limits.headBytes = 450
      limits.fieldCount = 3
      let value = String(repeating: "v", count: 193 + change)
      let folded = octets("HTTP/1.1 200 OK\r\nName: \(value.prefix(100))\r\n \(value.dropFirst(101))\r\n\r\n")
      let whole = octets("HTTP/1.1 200 OK\r\nName: \(value.prefix(100)) \(value.dropFirst(101))\r\n\r\n")
      let more = octets("HTTP/1.1 200 OK\r\nName: \(value)\r\nB: \(value)\r\nC: d\r\nE: f\r\n\r\n")
      let fewer = octets("HTTP/1.1 200 OK\r\nName: \(value)\r\nB: \(value)\r\n\r\n")
      for earlier in [folded, whole, more, fewer] {
        // What is allowed without limits is known afterwards.
        for later in [folded, whole, more, fewer] {
          let after = transcript(of: later, after: earlier, limits: limits)
          #expect(after == transcript(of: later, limits: limits), "\(change)")
        }
      }
    }
  }

  @Test func `and continued names no option of the connection that it does not name whole`() {
    let kept = octets("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n")
    #expect(transcript(of: kept).isReusable)
    let longer = octets("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n x\r\nContent-Length: 0\r\n\r\n")
    #expect(!transcript(of: longer).isReusable)
    #expect(!transcript(of: longer, after: kept).isReusable)
    let closed = octets("HTTP/1.1 200 OK\r\nConnection: close\r\n d\r\nContent-Length: 0\r\n\r\n")
    #expect(transcript(of: closed).isReusable)
    let both = octets("HTTP/1.1 200 OK\r\nConnection: a,\r\n close\r\nContent-Length: 0\r\n\r\n")
    #expect(!transcript(of: both).isReusable)
  }
}
