import OriginServer
import Testing

@Suite struct `deterministic body` {
  @Test func `an appended range equals the bytes one by one`() {
    let body = DeterministicBody(text: "/fixed/100")
    for range in [0..<0, 0..<1, 0..<8, 3..<5, 3..<29, 8..<24, 90..<100] {
      var bytes: [UInt8] = []
      body.append(range, to: &bytes)
      #expect(bytes == range.map { body[$0] })
    }
  }

  /// Computed by an independent implementation of the documented formula.
  @Test func `the documented formula gives these bytes`() {
    var bytes: [UInt8] = []
    DeterministicBody(text: "/fixed/10").append(0..<10, to: &bytes)
    #expect(String(decoding: bytes, as: UTF8.self) == #"J_TI\5I<Ng"#)
  }

  @Test func `the hash is 64-bit FNV-1a`() {
    var hash = FNV1a()
    hash.update("foobar".utf8)
    #expect(hash.value == 0x8594_4171_F739_67E8)
  }

  @Test func `different paths have different bodies and a query changes nothing unless asked to`() {
    let plain = Call(target: RequestTarget("/fixed/10"))
    #expect(plain.body != Call(target: RequestTarget("/fixed/11")).body)
    #expect(plain.body == Call(target: RequestTarget("/fixed/10?x=1")).body)
    #expect(plain.body != Call(target: RequestTarget("/fixed/10?x=1&unique=1")).body)
  }
}
