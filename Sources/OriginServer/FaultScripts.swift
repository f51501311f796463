// The answers that break HTTP or TLS on purpose. Pure.

extension Script {
  /// How long a connection stays silent: the longest wait there is; the peer's close ends it.
  package static let silence = Step.wait(milliseconds: ScriptLimit.milliseconds)

  /// Bytes that begin no HTTP response.
  static let noHTTP = Array("\u{1}\u{2}GARBAGE this is not HTTP at all\r\n\r\n".utf8)

  /// Nil if the path is used wrongly.
  static func faulty(_ route: Route, _ call: Call) -> Script? {
    let target = call.target
    switch route {
    case .slow:
      return .slow(call)
    case .stall:
      guard target.segments.count == 2, target.segments[1] == "body" else { return nil }
      return .half(of: 1024, then: [silence], ending: .close, for: call)
    case .reset:
      return .resetting(call)
    case .truncate, .truncateUnclean:
      guard let count = target.number(1, limit: ScriptLimit.bytes), count > 0 else { return nil }
      return .half(of: count, ending: route == .truncate ? .close : .closeWithoutNotify, for: call)
    case .noCloseNotify:
      guard let count = target.number(1, limit: ScriptLimit.bytes) else { return nil }
      return .untilClose(count, ending: .closeWithoutNotify, for: call)
    case .garbage:
      return Script(steps: [.send(noHTTP)], ending: .close)
    case .keepaliveClose:
      guard let wait = target.number(1, limit: ScriptLimit.milliseconds) else { return nil }
      // The head must promise keep-alive whatever the client asked: only a promise can go stale.
      let promise = Call(target: target, isHead: call.isHead, keepAlive: true)
      return Script(
        steps: Script.text(200, "until later\n", for: promise).steps + [.wait(milliseconds: wait)],
        ending: .close
      )
    default:
      return nil
    }
  }

  /// `/slow/head/MS` and `/slow/body/MS?n=N`.
  private static func slow(_ call: Call) -> Script? {
    guard call.target.segments.count == 3, let wait = call.target.number(2, limit: ScriptLimit.milliseconds) else {
      return nil
    }
    if call.target.segments[1] == "head" {
      let answer = Script.text(200, "slow\n", for: call)
      return Script(steps: [.wait(milliseconds: wait)] + answer.steps, ending: answer.ending)
    }
    guard call.target.segments[1] == "body",
      let count = call.target.number(query: "n", ifAbsent: 10, limit: ScriptLimit.count)
    else { return nil }
    var head = ResponseHead(200)
    head.add("Content-Type", "application/octet-stream")
    head.add("Content-Length", count)
    var steps: [Step] = [.send(head.end(keepAlive: call.keepAlive))]
    if !call.isHead { steps.append(.trickle(call.body, count: count, milliseconds: wait)) }
    return Script(steps: steps, ending: call.ending)
  }

  /// `/reset/head` and `/reset/body?n=N`.
  private static func resetting(_ call: Call) -> Script? {
    guard call.target.segments.count == 2 else { return nil }
    if call.target.segments[1] == "head" { return Script(steps: [], ending: .reset) }
    guard call.target.segments[1] == "body",
      let count = call.target.number(query: "n", ifAbsent: 1024, limit: ScriptLimit.bytes), count > 0
    else { return nil }
    return .half(of: count, ending: .reset, for: call)
  }

  /// A head that announces `count` bytes, half of them, then `steps` and `ending`.
  private static func half(of count: Int, then steps: [Step] = [], ending: Ending, for call: Call) -> Script {
    var head = ResponseHead(200)
    head.add("Content-Type", "application/octet-stream")
    head.add("Content-Length", count)
    return Script(
      steps: [.send(head.end(keepAlive: true)), .body(call.body, 0..<(count / 2))] + steps,
      ending: ending
    )
  }
}
