import OriginServer
import Testing

@Suite struct `a spelled script` {
  private func script(_ words: String) -> Script? { Script.spelled(RequestTarget("/play/\(words)")) }

  @Test(arguments: [
    ("send-4869", Step.send([0x48, 0x69])), ("below-00fF", .tls(.below([0x00, 0xFF]))),
    ("pieces-2-7-aabbcc", .pieces([0xAA, 0xBB, 0xCC], size: 2, milliseconds: 7)),
    ("again-9-41", .again([0x41], times: 9)), ("flood-41", .again([0x41], times: .max)),
    ("wait-5", .wait(milliseconds: 5)), ("silence", Script.silence), ("notify", .tls(.closeNotify)),
    ("alert", .tls(.alert)), ("rekey", .tls(.updateKeys)), ("renegotiate", .tls(.askForHandshake)),
  ]) func `has a word for every step`(word: String, step: Step) {
    #expect(script("\(word)/open") == Script(steps: [step], ending: .keepAlive))
  }

  @Test(arguments: [
    ("open", Ending.keepAlive), ("close", .close), ("unclean", .closeWithoutNotify), ("reset", .reset),
  ]) func `ends as its last word says`(word: String, ending: Ending) {
    #expect(script(word) == Script(steps: [], ending: ending))
    #expect(script("send-41/wait-1/\(word)")?.steps == [.send([0x41]), .wait(milliseconds: 1)])
  }

  @Test(arguments: [
    "", "send-41", "close/send-41", "close/close", "send/close", "send-4/close", "send-4x/close", "send--41/close",
    "pieces-0-1-41/close", "pieces-1-41/close", "again-x-41/close", "wait-/close", "wait--1/close",
    "wait-3600001/close", "silence-1/close", "other/close",
  ]) func `is refused if a word is wrong or the end is missing`(words: String) {
    #expect(script(words) == nil)
  }

  @Test func `is found by the script table`() {
    let plan = Plan(Call(target: RequestTarget("/play/send-41/reset?count=1")))
    #expect(plan == .script(Script(steps: [.send([0x41])], ending: .reset)))
  }
}

@Suite struct `a handshake plan` {
  @Test func `is spelled in the name that the client indicates`() throws {
    let raw = try #require(HandshakePlan(name: "send-1503.wait-5.close.fault.test"))
    #expect(raw.before == [.send([0x15, 0x03]), .wait(milliseconds: 5)] && raw.ending == .close && !raw.speaksTLS)
    let cut = try #require(HandshakePlan(name: "send-16.drip-3-9.first-40.silence.reset.fault.test"))
    #expect(cut.before == [.send([0x16])] && cut.after == [Script.silence])
    #expect(cut.pace == HandshakePlan.Pace(size: 3, milliseconds: 9) && cut.cut == 40 && cut.ending == .reset)
    #expect(cut.speaksTLS)
    let served = try #require(HandshakePlan(name: "tickets-10.certificate.old.fault.test"))
    #expect(served.tickets == 10 && served.demandsCertificate && served.isOld && served.speaksTLS)
  }

  @Test(arguments: [
    "localhost", "fault.test", ".fault.test", "close.fault.test.example", "first-9.fault.test",
    "close.send-41.fault.test", "first-9.first-9.close.fault.test", "drip-0-1.fault.test", "tickets-x.fault.test",
    "other.fault.test",
  ]) func `is none in any other name`(name: String) {
    #expect(HandshakePlan(name: name) == nil)
  }
}

@Suite struct `a ClientHello` {
  /// As OpenSSL 3.5 would begin it, with fewer suites and extensions.
  private func hello(name: String?, before extensions: [UInt8] = [0x00, 0x17, 0x00, 0x00]) -> [UInt8] {
    func vector(_ width: Int, _ bytes: [UInt8]) -> [UInt8] {
      (0..<width).reversed().map { UInt8(truncatingIfNeeded: bytes.count >> (8 * $0)) } + bytes
    }
    let names = name.map { [0x00, 0x00] + vector(2, vector(2, [0x00] + vector(2, Array($0.utf8)))) } ?? []
    let random = [UInt8](repeating: 0x7E, count: 32)
    let body =
      [0x03, 0x03] + random + vector(1, random) + vector(2, [0x13, 0x01, 0xC0, 0x2B]) + vector(1, [0x00])
      + vector(2, extensions + names)
    return [0x16, 0x03, 0x01] + vector(2, [0x01] + vector(3, body))
  }

  @Test func `gives its name once it is there in full`() {
    let bytes = hello(name: "a.fault.test")
    for count in 0..<bytes.count { #expect(IndicatedName.find(in: bytes[..<count]) == .needsMore) }
    #expect(IndicatedName.find(in: bytes[...]) == .found("a.fault.test"))
    #expect(IndicatedName.find(in: (bytes + [0x16, 0x03])[...]) == .found("a.fault.test"))
  }

  @Test func `without a name, or that is none, gives none`() {
    #expect(IndicatedName.find(in: hello(name: nil)[...]) == .none)
    #expect(IndicatedName.find(in: hello(name: "x", before: [0x00, 0x17, 0x00, 0x09])[...]) == .none)
    #expect(IndicatedName.find(in: Array("GET / HTTP/1.1\r\n".utf8)[...]) == .none)
    #expect(IndicatedName.find(in: [0x16, 0x03, 0x01, 0x00, 0x02, 0x01, 0x00]) == .none)
  }
}
