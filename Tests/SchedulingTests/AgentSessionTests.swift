import FetchModel
import Scheduling
import Testing

/// The job of the tests' sessions.
private let job: [UInt8] = [1, 2, 3]

/// Welcomed as session 5 of epoch 3; the hello left at 0.
private func active(draining: Bool = false) -> AgentSession {
  var session = AgentSession(nonce: 10)
  if draining { _ = session.drain() }
  _ = session.tick(now: at(0))
  _ = session.welcomed(nonce: 10, session: 5, epoch: 3, job: job, now: at(100))
  return session
}

extension [AgentSession.Action] {
  /// What a session that is lost with its rows is answered by.
  fileprivate static let loss: Self = [.lease(until: .zero), .collect(keepsRows: false)]
}

@Suite struct AgentSessionHelloTests {
  @Test func `says hello until it is welcomed, each time under another nonce`() {
    var session = AgentSession(nonce: 10)
    #expect(session.tick(now: at(0)) == [.sendHello(nonce: 10)])
    #expect(session.tick(now: at(1999)).isEmpty)
    #expect(session.tick(now: at(2000)) == [.sendHello(nonce: 11)])
    #expect(session.session == 0)
  }

  @Test func `waits longer after each hello that had no answer, up to a limit`() {
    var session = AgentSession(nonce: 10)
    var said: [UInt64] = []
    for second in UInt64(0)..<60 where !session.tick(now: at(second * 1000)).isEmpty { said.append(second) }
    #expect(said == [0, 2, 6, 14, 30, 46])
    _ = session.refused(reason: "no", isTemporary: true, now: at(60_000))
    _ = session.tick(now: at(61_000))
    #expect(session.tick(now: at(63_000)).count == 1, "it was answered")
    session.helloNotSent()
    #expect(session.tick(now: at(63_100)).count == 1)
    #expect(session.tick(now: at(65_100)).count == 1, "there was no connection")
  }

  @Test func `a hello that could not leave is said at the next tick`() {
    var session = AgentSession(nonce: 10)
    _ = session.tick(now: at(0))
    session.helloNotSent()
    #expect(session.tick(now: at(1)) == [.sendHello(nonce: 11)])
  }

  @Test func `an answer to a hello that named what was dropped since is not taken`() {
    var session = AgentSession(nonce: 10)
    #expect(session.dropped(now: at(0)).isEmpty)
    _ = session.tick(now: at(0))
    #expect(session.dropped(now: at(100)) == [.sendHello(nonce: 11)])
    #expect(session.welcomed(nonce: 10, session: 5, epoch: 3, job: job, now: at(200)).isEmpty)
    // The lease cannot have begun before the hello that is answered.
    let actions = session.welcomed(nonce: 11, session: 6, epoch: 3, job: job, now: at(300))
    #expect(actions.contains(.lease(until: at(10_100))))
    #expect(session.dropped(now: at(400)).isEmpty && session.session == 6)
  }

  @Test func `the lease of a welcome runs from the hello, and a beat follows at once`() {
    var session = AgentSession(nonce: 10)
    _ = session.tick(now: at(0))
    let actions = session.welcomed(nonce: 10, session: 5, epoch: 3, job: job, now: at(1500))
    #expect(
      actions == [
        .begin(session: 5, isNewJob: true), .lease(until: at(10_000)), .sendBeat(session: 5, stamp: at(1500)),
      ]
    )
    #expect(session.session == 5 && session.isCurrent(session: 5, epoch: 3))
    #expect(!session.isCurrent(session: 5, epoch: 4) && !session.isCurrent(session: 6, epoch: 3))
  }

  @Test func `a welcome for an older hello is not taken`() {
    var session = AgentSession(nonce: 10)
    _ = session.tick(now: at(0))
    _ = session.tick(now: at(2000))
    #expect(session.welcomed(nonce: 10, session: 5, epoch: 3, job: job, now: at(2100)).isEmpty)
    #expect(session.session == 0)
    #expect(!session.welcomed(nonce: 11, session: 6, epoch: 3, job: job, now: at(2100)).isEmpty)
    #expect(session.welcomed(nonce: 11, session: 7, epoch: 3, job: job, now: at(2200)).isEmpty)
    #expect(session.session == 6)
  }

  @Test func `a welcome that comes after its lease is over is given up at once`() {
    var session = AgentSession(nonce: 10)
    _ = session.tick(now: at(0))
    let actions = session.welcomed(nonce: 10, session: 5, epoch: 3, job: job, now: at(10_000))
    #expect(Array(actions.suffix(2)) == .loss)
    #expect(session.session == 0)
  }

  @Test func `refused it waits before it says hello again`() {
    var session = AgentSession(nonce: 10)
    _ = session.tick(now: at(0))
    let actions = session.refused(reason: "no", isTemporary: true, now: at(10))
    #expect(actions == [.refused(reason: "no", isTemporary: true)])
    #expect(session.tick(now: at(1009)).isEmpty)
    #expect(session.tick(now: at(1010)) == [.sendHello(nonce: 11)])
    var welcomed = active()
    #expect(welcomed.refused(reason: "late", isTemporary: true, now: at(200)).isEmpty)
  }

  @Test func `a job is new once`() {
    var session = active()
    _ = session.lostMessage()
    _ = session.collected(now: at(300))
    let again = session.welcomed(nonce: 11, session: 6, epoch: 3, job: job, now: at(400))
    #expect(again.first == .begin(session: 6, isNewJob: false))
    _ = session.ended()
    _ = session.collected(now: at(500))
    let other = session.welcomed(nonce: 12, session: 7, epoch: 8, job: [9], now: at(600))
    #expect(other.first == .begin(session: 7, isNewJob: true))
  }
}

@Suite struct AgentSessionLeaseTests {
  @Test func `beats once a second`() {
    var session = active()
    #expect(session.tick(now: at(1099)).isEmpty)
    #expect(session.tick(now: at(1100)) == [.sendBeat(session: 5, stamp: at(1100))])
    #expect(session.tick(now: at(2000)).isEmpty)
  }

  @Test func `an echo renews the lease from its stamp on`() {
    var session = active()
    #expect(session.echoed(stamp: at(100), now: at(100)) == [.lease(until: at(10_100))])
    #expect(session.tick(now: at(10_099)) == [.sendBeat(session: 5, stamp: at(10_099))])
    #expect(session.tick(now: at(10_100)) == .loss)
  }

  @Test func `an echo of an earlier beat changes nothing`() {
    var session = active()
    _ = session.echoed(stamp: at(3000), now: at(3000))
    let before = session
    #expect(session.echoed(stamp: at(2000), now: at(3100)).isEmpty)
    #expect(session == before)
  }

  @Test func `an echo of a beat that was never sent does not make the lease longer than it may be`() {
    var session = active()
    let before = session
    #expect(session.echoed(stamp: at(101), now: at(100)).isEmpty)
    #expect(session.echoed(stamp: .distantFuture, now: at(100)).isEmpty)
    #expect(session == before)
  }

  @Test func `an echo that comes after the lease has run out does not bring it back`() {
    var session = active()
    let before = session
    #expect(session.echoed(stamp: at(9000), now: at(10_000)).isEmpty)
    #expect(session == before)
    #expect(session.tick(now: at(10_000)) == .loss)
    #expect(session.echoed(stamp: at(9000), now: at(10_001)).isEmpty)
    #expect(session.session == 0)
  }
}

@Suite struct AgentSessionLossTests {
  @Test func `says hello only when the workers have said what they hold`() {
    var session = active()
    #expect(session.tick(now: at(10_000)) == .loss)
    #expect(session.session == 0)
    #expect(session.tick(now: at(20_000)).isEmpty)
    #expect(session.collected(now: at(20_001)) == [.sendHello(nonce: 11)])
    #expect(session.collected(now: at(20_002)).isEmpty)
  }

  @Test func `unknown to the same epoch it drops its rows`() {
    var session = active()
    #expect(session.unknown(session: 4, epoch: 3, isSuperseded: false).isEmpty)
    #expect(session.unknown(session: 5, epoch: 3, isSuperseded: false) == .loss)
    #expect(session.unknown(session: 5, epoch: 3, isSuperseded: false).isEmpty)
  }

  @Test func `of two processes under one instance the one that is told so takes another`() {
    var session = active()
    #expect(session.unknown(session: 5, epoch: 3, isSuperseded: true) == [.takeNewInstance] + .loss)
  }

  @Test func `unknown to another epoch it goes on under its old lease`() {
    var session = active()
    _ = session.echoed(stamp: at(2000), now: at(2000))
    #expect(session.unknown(session: 5, epoch: 4, isSuperseded: false) == [.collect(keepsRows: true)])
    #expect(session.session == 0)
    #expect(session.collected(now: at(3000)) == [.sendHello(nonce: 11)])
    let actions = session.welcomed(nonce: 11, session: 1, epoch: 4, job: job, now: at(3500))
    #expect(
      actions == [
        .begin(session: 1, isNewJob: false), .lease(until: at(13_000)), .sendBeat(session: 1, stamp: at(3500)),
      ]
    )
  }

  @Test func `what is held of an earlier epoch goes when its lease is over, whatever is waited for`() {
    // Still collecting.
    var session = active()
    _ = session.unknown(session: 5, epoch: 4, isSuperseded: false)
    #expect(session.tick(now: at(9_999)).isEmpty)
    #expect(session.tick(now: at(10_000)) == .loss)
    #expect(session.tick(now: at(10_001)).isEmpty)
    // Hello was said.
    session = active()
    _ = session.unknown(session: 5, epoch: 4, isSuperseded: false)
    _ = session.collected(now: at(9000))
    #expect(session.tick(now: at(10_000)) == .loss)
    #expect(session.welcomed(nonce: 11, session: 1, epoch: 4, job: job, now: at(10_050)).isEmpty)
    #expect(session.collected(now: at(10_100)) == [.sendHello(nonce: 12)])
    // Refused.
    session = active()
    _ = session.unknown(session: 5, epoch: 4, isSuperseded: false)
    _ = session.collected(now: at(9000))
    _ = session.refused(reason: "not yet", isTemporary: true, now: at(9100))
    #expect(session.tick(now: at(10_000)) == .loss)
  }

  @Test func `workers that answer after the lease is over are asked to drop their rows`() {
    var session = active()
    _ = session.unknown(session: 5, epoch: 4, isSuperseded: false)
    #expect(session.collected(now: at(10_000)) == .loss)
    #expect(session.collected(now: at(10_001)) == [.sendHello(nonce: 11)])
  }

  @Test func `welcomed to another job it drops what it holds before it begins`() {
    var session = active()
    _ = session.unknown(session: 5, epoch: 4, isSuperseded: false)
    _ = session.collected(now: at(3000))
    #expect(session.welcomed(nonce: 11, session: 1, epoch: 4, job: [9], now: at(3100)) == .loss)
    #expect(session.session == 0)
    #expect(session.collected(now: at(3200)) == [.sendHello(nonce: 12)])
    let actions = session.welcomed(nonce: 12, session: 2, epoch: 4, job: [9], now: at(3300))
    #expect(actions.first == .begin(session: 2, isNewJob: true))
  }

  @Test func `a message that is missing ends the session`() {
    var session = active()
    #expect(session.admit(1) == .next)
    #expect(session.admit(1) == .repeated)
    #expect(session.admit(3) == .gap)
    #expect(session.lostMessage() == .loss)
    #expect(session.lostMessage().isEmpty)
  }

  @Test func `messages of each session are numbered from one in both directions`() {
    var session = active()
    #expect((0..<3).map { _ in session.nextNumber() } == [1, 2, 3])
    #expect(session.admit(1) == .next)
    _ = session.lostMessage()
    _ = session.collected(now: at(300))
    _ = session.welcomed(nonce: 11, session: 6, epoch: 3, job: job, now: at(400))
    #expect(session.nextNumber() == 1)
    #expect(session.admit(1) == .next)
  }
}

@Suite struct AgentSessionEndTests {
  @Test func `after the job the next hello begins another session`() {
    var session = active()
    #expect(session.ended() == .loss)
    #expect(session.ended().isEmpty)
    #expect(session.collected(now: at(300)) == [.sendHello(nonce: 11)])
  }

  @Test func `that it drains is said once, and again in the next session`() {
    var session = active()
    #expect(session.drain() == [.sendDraining])
    #expect(session.drain().isEmpty)
    #expect(session.tick(now: at(1100)) == [.sendBeat(session: 5, stamp: at(1100))])
    _ = session.lostMessage()
    _ = session.collected(now: at(1200))
    let actions = session.welcomed(nonce: 11, session: 6, epoch: 3, job: job, now: at(1300))
    #expect(actions.first == .begin(session: 6, isNewJob: false) && actions.last == .sendDraining)
  }

  @Test func `that it drains is said when there is somebody to hear it`() {
    var session = AgentSession(nonce: 10)
    #expect(session.drain().isEmpty)
    _ = session.tick(now: at(0))
    let actions = session.welcomed(nonce: 10, session: 5, epoch: 3, job: job, now: at(100))
    #expect(actions.last == .sendDraining)
  }

  @Test func `one that parts says goodbye to its session and nothing more to anybody`() {
    var session = active(draining: true)
    #expect(session.part() == [.sendGoodbye])
    #expect(session.session == 0)
    #expect(session.part().isEmpty)
    #expect(session.tick(now: at(60_000)).isEmpty)
    var lonely = AgentSession(nonce: 10)
    #expect(lonely.part().isEmpty)
    #expect(lonely.tick(now: at(0)).isEmpty)
  }
}
