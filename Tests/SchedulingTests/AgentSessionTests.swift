import FetchModel
import Scheduling
import Testing

@Suite struct AgentSessionTests {
  /// Welcomed as session 5 of epoch 3; the hello left at 0.
  private static func active() -> AgentSession {
    var session = AgentSession(nonce: 10)
    _ = session.tick(now: at(0))
    _ = session.welcomed(nonce: 10, session: 5, epoch: 3, now: at(100))
    return session
  }

  @Test func `says hello until it is welcomed, each time under another nonce`() {
    var session = AgentSession(nonce: 10)
    #expect(session.tick(now: at(0)) == [.sendHello(nonce: 10)])
    #expect(session.tick(now: at(1999)).isEmpty)
    #expect(session.tick(now: at(2000)) == [.sendHello(nonce: 11)])
    #expect(session.session == 0)
  }

  @Test func `a hello that could not leave is said at the next tick`() {
    var session = AgentSession(nonce: 10)
    _ = session.tick(now: at(0))
    session.helloNotSent()
    #expect(session.tick(now: at(1)) == [.sendHello(nonce: 11)])
  }

  @Test func `the lease of a welcome runs from the hello, and a beat follows at once`() {
    var session = AgentSession(nonce: 10)
    _ = session.tick(now: at(0))
    let actions = session.welcomed(nonce: 10, session: 5, epoch: 3, now: at(1500))
    #expect(
      actions == [.begin(session: 5), .lease(until: at(10_000)), .sendBeat(session: 5, stamp: at(1500))]
    )
    #expect(session.session == 5 && session.isCurrent(session: 5, epoch: 3))
    #expect(!session.isCurrent(session: 5, epoch: 4) && !session.isCurrent(session: 6, epoch: 3))
  }

  @Test func `a welcome for an older hello is not taken`() {
    var session = AgentSession(nonce: 10)
    _ = session.tick(now: at(0))
    _ = session.tick(now: at(2000))
    #expect(session.welcomed(nonce: 10, session: 5, epoch: 3, now: at(2100)).isEmpty)
    #expect(session.session == 0)
    #expect(!session.welcomed(nonce: 11, session: 6, epoch: 3, now: at(2100)).isEmpty)
    #expect(session.welcomed(nonce: 11, session: 7, epoch: 3, now: at(2200)).isEmpty)
    #expect(session.session == 6)
  }

  @Test func `a welcome that comes after its lease is over is given up at once`() {
    var session = AgentSession(nonce: 10)
    _ = session.tick(now: at(0))
    let actions = session.welcomed(nonce: 10, session: 5, epoch: 3, now: at(10_000))
    #expect(actions.contains(.abandon) && actions.last == .sendHello(nonce: 11))
    #expect(session.session == 0)
  }

  @Test func `beats once a second`() {
    var session = Self.active()
    #expect(session.tick(now: at(1099)).isEmpty)
    #expect(session.tick(now: at(1100)) == [.sendBeat(session: 5, stamp: at(1100))])
    #expect(session.tick(now: at(2000)).isEmpty)
  }

  @Test func `an echo renews the lease from its stamp on`() {
    var session = Self.active()
    #expect(session.echoed(stamp: at(100), session: 5, epoch: 3, now: at(100)) == [.lease(until: at(10_100))])
    #expect(session.tick(now: at(10_099)).contains(.abandon) == false)
    #expect(session.tick(now: at(10_100)) == [.abandon, .sendHello(nonce: 11)])
  }

  @Test func `an echo of another session, epoch or an earlier beat changes nothing`() {
    var session = Self.active()
    _ = session.echoed(stamp: at(3000), session: 5, epoch: 3, now: at(3000))
    let before = session
    #expect(session.echoed(stamp: at(2000), session: 5, epoch: 3, now: at(2000)).isEmpty)
    #expect(session.echoed(stamp: at(9000), session: 6, epoch: 3, now: at(9000)).isEmpty)
    #expect(session.echoed(stamp: at(9000), session: 5, epoch: 4, now: at(9000)).isEmpty)
    #expect(session == before)
  }

  @Test func `an echo after the lease is over revives nothing`() {
    var session = Self.active()
    _ = session.tick(now: at(10_000))
    #expect(session.echoed(stamp: at(9000), session: 5, epoch: 3, now: at(9000)).isEmpty)
    #expect(session.session == 0)
  }

  @Test func `told that its session is unknown it gives everything up and says hello`() {
    var session = Self.active()
    #expect(session.unknown(session: 4, now: at(500)).isEmpty)
    #expect(session.unknown(session: 5, now: at(500)) == [.abandon, .sendHello(nonce: 11)])
    #expect(session.unknown(session: 5, now: at(501)).isEmpty)
  }

  @Test func `refused it waits before it says hello again`() {
    var session = AgentSession(nonce: 10)
    _ = session.tick(now: at(0))
    let actions = session.refused(reason: "no", isTemporary: true, now: at(10))
    #expect(actions == [.refused(reason: "no", isTemporary: true)])
    #expect(session.tick(now: at(1009)).isEmpty)
    #expect(session.tick(now: at(1010)) == [.sendHello(nonce: 11)])
    var welcomed = Self.active()
    #expect(welcomed.refused(reason: "late", isTemporary: true, now: at(200)).isEmpty)
  }

  @Test func `after the job the next hello begins another session`() {
    var session = Self.active()
    #expect(session.ended() == [.abandon])
    #expect(session.ended().isEmpty)
    #expect(session.tick(now: at(300)) == [.sendHello(nonce: 11)])
  }

  @Test func `an echo that comes after the lease has run out does not bring it back`() {
    var session = Self.active()
    let before = session
    #expect(session.echoed(stamp: at(9000), session: 5, epoch: 3, now: at(10_000)).isEmpty)
    #expect(session == before)
    #expect(session.tick(now: at(10_000)).first == .abandon)
  }
}
