// The table from request target to scripted answer: pure, no clock, no state. Targets whose answer depends on what
// came before give a `Plan` that names what is needed; the answer itself is again a pure function of that.

/// What the connection's thread has to do for a request.
package enum Plan: Equatable, Sendable {
  case script(Script)
  /// 503 for the first `failures` hits of this exact target, then 200.
  case flaky(failures: Int)
  /// The request itself as JSON.
  case echo
  case counts
  case hits(target: String)
  /// Every counted hit from the one of this number on.
  case hitLog(from: Int)
  case resetCounts
}

/// Bounds of numbers in targets.
enum ScriptLimit {
  /// A tebibyte: bodies are generated while they are sent, so their size costs no memory.
  static let bytes = 1 << 40
  /// One hour; no wait of a script is longer.
  static let milliseconds = 3_600_000
  /// Heads are built in memory.
  static let headBytes = 16 << 20
  static let count = 1_000_000
}

extension Plan {
  /// The plan for a call.
  package init(_ call: Call) {
    let target = call.target
    let route = Route(target)
    let script: Script?
    switch route {
    case .echo: self = .echo; return
    case .counts: self = .counts; return
    case .resetCounts: self = .resetCounts; return
    case .hits:
      if let wanted = target.value(of: "target") {
        self = .hits(target: wanted)
        return
      }
      script = nil
    case .hitLog:
      if let first = target.number(query: "from", ifAbsent: 0, limit: .max) {
        self = .hitLog(from: first)
        return
      }
      script = nil
    case .flaky:
      if let failures = target.number(1, limit: ScriptLimit.count) {
        self = .flaky(failures: failures)
        return
      }
      script = nil
    case .fixed, .chunked, .close, .status, .redirect, .redirectTo, .headers, .interim, .retryAfter, .latency:
      script = Script.wellBehaved(route, call)
    case .slow, .stall, .reset, .truncate, .truncateUnclean, .noCloseNotify, .garbage, .keepaliveClose:
      script = Script.faulty(route, call)
    case .play:
      script = Script.spelled(target)
    case .other:
      script = .text(404, "no such path\n", for: call)
    }
    self = .script(script ?? .text(400, "this path is used wrongly\n", for: call))
  }
}

extension Script {
  /// The answer to hit number `hit`, counted from 1, of a flaky target.
  package static func flaky(hit: Int, failures: Int, for call: Call) -> Script {
    hit <= failures
      ? .text(503, "failure \(hit) of \(failures)\n", for: call) : .text(200, "hit \(hit)\n", for: call)
  }

  /// The answer of `/echo`.
  package static func echo(_ request: Request) -> Script {
    var json = JSONText()
    json.add("method", request.method)
    json.add("target", request.target.text)
    let pairs = request.fields.map { "[\(JSONText.quoted($0.name)),\(JSONText.quoted($0.value))]" }
    json.addRaw("headers", "[\(pairs.joined(separator: ","))]")
    json.add("body", String(decoding: request.body, as: UTF8.self))
    json.add("body_bytes", request.bodyBytes)
    json.add("body_fnv1a64", String(request.bodyHash.value, radix: 16))
    return .text(200, json.text + "\n", type: "application/json", for: Call(request))
  }

  /// Answers that follow HTTP to the letter. Nil if the path is used wrongly.
  fileprivate static func wellBehaved(_ route: Route, _ call: Call) -> Script? {
    let target = call.target
    switch route {
    case .fixed:
      guard let count = target.number(1, limit: ScriptLimit.bytes) else { return nil }
      return .fixed(count, after: nil, for: call)
    case .latency:
      guard let wait = target.number(1, limit: ScriptLimit.milliseconds) else { return nil }
      return .fixed(1024, after: wait, for: call)
    case .chunked:
      return .chunked(call)
    case .close:
      guard let count = target.number(1, limit: ScriptLimit.bytes) else { return nil }
      return .untilClose(count, ending: .close, for: call)
    case .status:
      guard let status = target.number(1, limit: 999), status >= 100 else { return nil }
      return .text(status, "status \(status)\n", for: call)
    case .redirect:
      guard let left = target.number(1, limit: ScriptLimit.count) else { return nil }
      guard left > 0 else { return .text(200, "arrived\n", for: call) }
      return .text(302, "", fields: [("Location", "/redirect/\(left - 1)")], for: call)
    case .redirectTo:
      return .redirectTo(call)
    case .headers:
      return .bigHead(call)
    case .interim:
      var early = ResponseHead(103)
      early.add("Link", "</style.css>; rel=preload")
      var goOn = ResponseHead(100)
      let final = Script.text(200, "final\n", for: call)
      return Script(
        steps: [.send(early.end(keepAlive: true)), .send(goOn.end(keepAlive: true))] + final.steps,
        ending: final.ending
      )
    case .retryAfter:
      guard let seconds = target.number(1, limit: ScriptLimit.count),
        let status = target.number(query: "status", ifAbsent: 429, limit: 999), status >= 200
      else { return nil }
      guard let fields = retryAfter(seconds, form: target.value(of: "form")) else { return nil }
      return .text(status, "later\n", fields: fields, for: call)
    default:
      return nil
    }
  }

  /// `form=date`: as a date instead of a number, by a clock that has stood still since 1994.
  private static func retryAfter(_ seconds: Int, form: String?) -> [(String, String)]? {
    switch form {
    case nil: return [("Retry-After", String(seconds))]
    case "date" where seconds < 86_400:
      func day(_ second: Int) -> String {
        let parts = [second / 3600, second / 60 % 60, second % 60].map { ($0 < 10 ? "0" : "") + String($0) }
        return "Sun, 06 Nov 1994 \(parts.joined(separator: ":")) GMT"
      }
      return [("Date", day(0)), ("Retry-After", day(seconds))]
    default: return nil
    }
  }

  /// `count` generated bytes with Content-Length, `wait` milliseconds after the request if given.
  fileprivate static func fixed(_ count: Int, after wait: Int?, for call: Call) -> Script {
    var head = ResponseHead(200)
    head.add("Content-Type", "application/octet-stream")
    head.add("Content-Length", count)
    var steps: [Step] = wait.map { [.wait(milliseconds: $0)] } ?? []
    steps.append(.send(head.end(keepAlive: call.keepAlive)))
    if !call.isHead { steps.append(.body(call.body, 0..<count)) }
    return Script(steps: steps, ending: call.ending)
  }

  /// `count` generated bytes that end where the connection ends.
  static func untilClose(_ count: Int, ending: Ending, for call: Call) -> Script {
    var head = ResponseHead(200)
    head.add("Content-Type", "application/octet-stream")
    var steps: [Step] = [.send(head.end(keepAlive: false))]
    if !call.isHead { steps.append(.body(call.body, 0..<count)) }
    return Script(steps: steps, ending: ending)
  }

  private static func chunked(_ call: Call) -> Script? {
    guard let count = call.target.number(1, limit: ScriptLimit.bytes),
      let size = call.target.number(query: "size", ifAbsent: 1024, limit: ScriptLimit.bytes), size > 0
    else { return nil }
    let hasTrailers = call.target.value(of: "trailers") == "1"
    var head = ResponseHead(200)
    head.add("Content-Type", "application/octet-stream")
    head.add("Transfer-Encoding", "chunked")
    if hasTrailers { head.add("Trailer", "X-Origin-Bytes, X-Origin-Seed") }
    var steps: [Step] = [.send(head.end(keepAlive: call.keepAlive))]
    if !call.isHead {
      steps.append(.chunks(call.body, count: count, size: size))
      let trailers =
        hasTrailers ? "X-Origin-Bytes: \(count)\r\nX-Origin-Seed: \(String(call.body.seed, radix: 16))\r\n" : ""
      steps.append(.send(Array("0\r\n\(trailers)\r\n".utf8)))
    }
    return Script(steps: steps, ending: call.ending)
  }

  private static func redirectTo(_ call: Call) -> Script? {
    guard let url = call.target.value(of: "url"),
      let status = call.target.number(query: "status", ifAbsent: 302, limit: 399), status >= 300,
      url.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F })
    else { return nil }
    return .text(status, "", fields: [("Location", url)], for: call)
  }

  /// `/headers/big/N?lines=K`: N bytes of field values, in K fields of about the same size.
  private static func bigHead(_ call: Call) -> Script? {
    guard call.target.segments.count == 3, call.target.segments[1] == "big",
      let bytes = call.target.number(2, limit: ScriptLimit.headBytes),
      let lines = call.target.number(query: "lines", ifAbsent: 1, limit: 100_000), lines > 0
    else { return nil }
    let fields = (0..<lines).map { line in
      let size = bytes * (line + 1) / lines - bytes * line / lines
      return ("X-Big-\(line)", String(repeating: "a", count: size))
    }
    return .text(200, "big\n", fields: fields, for: call)
  }
}
