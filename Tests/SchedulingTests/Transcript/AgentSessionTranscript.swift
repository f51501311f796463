import FetchModel
import Scheduling

/// A transcript of one agent's session.
struct AgentSessionTranscript: TranscriptMachine {
  private var session = AgentSession(nonce: 1)
  private var now: UInt64 = 0

  mutating func run(_ command: inout TranscriptCommand) throws(TranscriptError) -> [String] {
    if let time = command.time("at") {
      guard time >= now else { throw command.error("time does not run backwards") }
      now = time
    }
    let actions: [AgentSession.Action]
    switch command.verb {
    case "agent":
      session = AgentSession(nonce: try command.number("nonce", or: 1))
      actions = []
    case "tick": actions = session.tick(now: at(now))
    case "collected": actions = session.collected(now: at(now))
    case "dropped": actions = session.dropped(now: at(now))
    case "hello-not-sent":
      session.helloNotSent()
      actions = []
    case "welcomed":
      actions = session.welcomed(
        nonce: try command.number("nonce", or: 0),
        session: try command.number("session", or: 0),
        epoch: try command.number("epoch", or: 0),
        job: Array(try command.word("the job").utf8),
        now: at(now)
      )
    case "refused":
      let isTemporary = command.has("for-now")
      let reason = command.remainingWords().joined(separator: " ")
      actions = session.refused(reason: reason, isTemporary: isTemporary, now: at(now))
    case "echoed":
      guard let stamp = command.time("stamp") else { throw command.error("the stamp is missing") }
      actions = session.echoed(stamp: at(stamp), now: at(now))
    case "unknown":
      let isSuperseded = command.has("superseded")
      actions = session.unknown(
        session: try command.number("session", or: 0),
        epoch: try command.number("epoch", or: 0),
        isSuperseded: isSuperseded
      )
    case "message": return try admit(&command)
    case "ended": actions = session.ended()
    case "drain": actions = session.drain()
    case "part": actions = session.part()
    default: throw command.error("unknown command")
    }
    return actions.map(text)
  }

  private mutating func admit(_ command: inout TranscriptCommand) throws(TranscriptError) -> [String] {
    switch session.admit(try command.number("number", or: 0)) {
    case .next: return ["taken"]
    case .repeated: return ["ignored"]
    case .gap: return session.lostMessage().map(text)
    }
  }

  private func text(_ action: AgentSession.Action) -> String {
    switch action {
    case .collect(let keepsRows): "ask the workers what they hold; they " + (keepsRows ? "keep it" : "drop it")
    case .sendHello(let nonce): "send hello \(nonce)"
    case .sendBeat(let session, let stamp): "send beat in session \(session), stamp \(milliseconds(stamp)) ms"
    case .lease(.zero): "requests may not start any more"
    case .lease(let end): "requests may start until \(milliseconds(end)) ms"
    case .begin(let session, let isNewJob): "begin session \(session)" + (isNewJob ? " of a new job" : "")
    case .refused(let reason, let isTemporary): "tell: \(reason)" + (isTemporary ? ", for now" : "")
    case .takeNewInstance: "take another instance"
    case .sendDraining: "send draining"
    case .sendGoodbye: "send goodbye"
    }
  }
}

/// Milliseconds after the tests' beginning.
func milliseconds(_ instant: Instant) -> UInt64 { instant.nanoseconds(since: at(0)) / 1_000_000 }
