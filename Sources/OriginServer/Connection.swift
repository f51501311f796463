// The life of one accepted connection, from the first byte to the last, on a thread of its own.

import Glibc

/// What every connection's thread shares; all of it is thread-safe.
struct Shared: Sendable {
  let counters: Counters
  let registry: Registry
}

/// How a listener treats the connections it accepts.
struct Service: Sendable {
  let kind: ListenerKind
  /// Nil where no TLS is spoken.
  let context: ServerContext?
}

/// Serves one connection.
struct Connection {
  private static let readBytes = 16_384
  /// TLS 1.2 record, alert, fatal, handshake_failure (RFC 8446 section 6): understood by every version.
  private static let fatalAlert: [UInt8] = [0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x28]

  let descriptor: Int32
  let service: Service
  let shared: Shared

  /// Runs the connection to its end; the caller closes the descriptor.
  func run() {
    setOption(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, Int32(1))
    let stream = Stream(descriptor: descriptor)
    if let context = service.context, service.kind == .faults {
      guard begin(stream, context) else { return }
    } else if let context = service.context {
      let outcome = stream.handshake(context)
      shared.counters.handshake(outcome)
      guard outcome != .failed else {
        // What OpenSSL wrote last is an alert the client should be able to read.
        stream.finish(.closeWithoutNotify)
        return
      }
    }
    switch service.kind {
    case .https, .http, .expired, .notYetValid, .untrusted, .wrongName, .commonNameOnly, .partialWildcard,
      .certificates, .otherProtocol, .faults:
      serve(stream)
    case .early, .plainEarly:
      answerEarly(stream)
    case .resetAtOnce:
      stream.finish(.reset)
    case .garbage:
      waitForBytes(stream)
      finish(stream, Script(steps: [.send(Script.noHTTP)], ending: .close))
    case .tlsSilent, .silent:
      finish(stream, Script(steps: [Script.silence], ending: .close))
    case .closing:
      return
    case .alert:
      waitForBytes(stream)
      finish(stream, Script(steps: [.send(Self.fatalAlert)], ending: .close))
    case .plainInTLS:
      waitForBytes(stream)
      finish(stream, .refusal(.malformed))
    case .refused, .unaccepted:
      preconditionFailure("connection accepted on a socket that accepts none")
    }
  }

  /// Answers requests until one of both sides has enough.
  private func serve(_ stream: Stream) {
    let player = Player(stream)
    var reader = RequestReader()
    let input = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.readBytes, alignment: 16)
    defer { input.deallocate() }
    while true {
      do throws(RequestError) {
        switch try reader.next() {
        case .needMoreData:
          guard case .bytes(let count) = stream.read(into: input, within: Patience.nextRequest) else {
            if stream.isNotified { shared.counters.notified() }
            return stream.finish(.close)
          }
          reader.append(UnsafeRawBufferPointer(rebasing: input[..<count]))
        case .expectsContinue:
          guard player.send(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)) else { return }
        case .request(let request):
          let script = begin(request)
          let isComplete = player.play(script)
          shared.counters.ended()
          guard isComplete, script.ending == .keepAlive else {
            // A peer that went away early gets no ceremony.
            return isComplete ? stream.finish(script.ending) : ()
          }
        }
      } catch {
        return finish(stream, .refusal(error))
      }
    }
  }

  /// Counts the request and finds its script.
  private func begin(_ request: Request) -> Script {
    let call = Call(request)
    let counters = shared.counters
    let countsTarget = request.wantsCount || request.target.value(of: "count") == "1"
    counters.began(Route(request.target), target: request.target.text, countsTarget: countsTarget)
    switch Plan(call) {
    case .script(let script):
      return script
    case .flaky(let failures):
      guard let hit = counters.flakyHit(request.target.text) else {
        return .text(500, "too many distinct flaky targets\n", for: call)
      }
      return .flaky(hit: hit, failures: failures, for: call)
    case .echo:
      return .echo(request)
    case .counts:
      return .text(200, counters.json + "\n", type: "application/json", for: call)
    case .hits(let target):
      var json = JSONText()
      json.add("target", target)
      json.add("hits", counters.hits(of: target))
      return .text(200, json.text + "\n", type: "application/json", for: call)
    case .hitLog(let first):
      return .text(200, counters.hitLog(from: first), for: call)
    case .resetCounts:
      counters.reset()
      return .text(200, "reset\n", for: call)
    }
  }

  /// Does what the client spelled in the name it indicates; false if no handshake came of it.
  private func begin(_ stream: Stream, _ context: ServerContext) -> Bool {
    let plan = stream.indicatedName().flatMap(HandshakePlan.init) ?? HandshakePlan()
    guard play(stream, Script(steps: plan.before, ending: .keepAlive)) else { return false }
    if plan.speaksTLS {
      let outcome = stream.handshake(context, plan)
      shared.counters.handshake(outcome)
      if outcome != .failed { return true }
    }
    finish(stream, Script(steps: plan.after, ending: plan.ending ?? .closeWithoutNotify))
    return false
  }

  /// Answers when the first bytes of a request are there, whatever of it is still to come.
  private func answerEarly(_ stream: Stream) {
    let target = withUnsafeTemporaryAllocation(byteCount: Self.readBytes, alignment: 16) { input -> RequestTarget? in
      guard case .bytes(let count) = stream.read(into: input, within: Patience.nextRequest) else { return nil }
      let words = input[..<count].prefix { $0 != 0x0D }.split(separator: 0x20)
      return words.count == 3 ? RequestTarget(String(decoding: words[1], as: UTF8.self)) : nil
    }
    guard let target, case .script(var script) = Plan(Call(target: target)) else { return }
    if script.ending == .keepAlive { script.steps.append(Script.silence) }
    finish(stream, script)
  }

  private func play(_ stream: Stream, _ script: Script) -> Bool { Player(stream).play(script) }

  private func finish(_ stream: Stream, _ script: Script) {
    if play(stream, script) { stream.finish(script.ending) }
  }

  private func waitForBytes(_ stream: Stream) {
    withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 16) { scrap in
      _ = stream.read(into: scrap, within: Patience.handshake)
    }
  }
}
