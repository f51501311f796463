import AgentRuntime
import FetchModel
import Testing
import ZeroMQ

@Suite struct DialingTests {
  private static func at(_ seconds: UInt64) -> Instant { Instant(nanoseconds: seconds * 1_000_000_000) }

  @Test(arguments: [HandshakeFailure.Cause.protocolViolated, .notAllowed])
  func `a refusal is said once, and dialled again after two seconds each time`(cause: HandshakeFailure.Cause) {
    var dialing = Dialing()
    var log: [String] = []
    for second in UInt64(1)...6 {
      if second.isMultiple(of: 3), dialing.failed(cause, now: Self.at(second)) { log.append("\(second): said") }
      if dialing.takeRedial(now: Self.at(second)) { log.append("\(second): dialled") }
    }
    if dialing.takeRedial(now: Self.at(8)) { log.append("8: dialled") }
    #expect(log == ["3: said", "5: dialled", "8: dialled"])
  }

  @Test func `who hangs up is named the third time, and dialled again, because libzmq may not`() {
    var dialing = Dialing()
    var said: [Bool] = []
    for second in UInt64(1)...4 { said.append(dialing.failed(.unfinished, now: Self.at(second))) }
    #expect(said == [false, false, true, false])
    let redials = [dialing.takeRedial(now: Self.at(4)), dialing.takeRedial(now: Self.at(100))]
    #expect(redials == [true, false])
  }

  @Test func `after a session all is told anew`() {
    var dialing = Dialing()
    var said = [dialing.failed(.notAllowed, now: Self.at(1))]
    dialing.succeeded()
    let isRedialled = dialing.takeRedial(now: Self.at(100))
    #expect(!isRedialled)
    said.append(dialing.failed(.notAllowed, now: Self.at(101)))
    #expect(said == [true, true])
  }
}
