// Writes response heads and the plain framed answers. Pure.

/// The bytes of a response head being written.
struct ResponseHead {
  private(set) var bytes: [UInt8] = []

  init(_ status: Int) {
    bytes.reserveCapacity(160)
    bytes.append(contentsOf: "HTTP/1.1 ".utf8)
    bytes.append(contentsOf: String(status).utf8)
    bytes.append(0x20)
    bytes.append(contentsOf: reasonPhrase(status).utf8)
    bytes.append(contentsOf: "\r\n".utf8)
  }

  mutating func add(_ name: String, _ value: String) {
    bytes.append(contentsOf: name.utf8)
    bytes.append(contentsOf: ": ".utf8)
    bytes.append(contentsOf: value.utf8)
    bytes.append(contentsOf: "\r\n".utf8)
  }

  mutating func add(_ name: String, _ value: Int) {
    add(name, String(value))
  }

  /// Ends the head, with `Connection: close` if the connection will be closed.
  mutating func end(keepAlive: Bool) -> [UInt8] {
    if !keepAlive { add("Connection", "close") }
    bytes.append(contentsOf: "\r\n".utf8)
    return bytes
  }
}

extension Script {
  /// A framed answer with a short text or JSON body.
  package static func text(
    _ status: Int,
    _ body: String,
    type: String = "text/plain",
    fields: [(String, String)] = [],
    for call: Call
  ) -> Script {
    var head = ResponseHead(status)
    for (name, value) in fields { head.add(name, value) }
    let hasBody = status >= 200 && status != 204 && status != 304
    if hasBody {
      head.add("Content-Type", type)
      head.add("Content-Length", body.utf8.count)
    }
    var bytes = head.end(keepAlive: call.keepAlive)
    if hasBody, !call.isHead { bytes.append(contentsOf: body.utf8) }
    return Script(steps: [.send(bytes)], ending: call.ending)
  }

  /// The answer to a request that could not be read.
  package static func refusal(_ error: RequestError) -> Script {
    let call = Call(target: RequestTarget("/"), keepAlive: false)
    return text(error.status, "\(error)\n", for: call)
  }
}

private func reasonPhrase(_ status: Int) -> String {
  switch status {
  case 100: "Continue"
  case 101: "Switching Protocols"
  case 103: "Early Hints"
  case 200: "OK"
  case 204: "No Content"
  case 301: "Moved Permanently"
  case 302: "Found"
  case 303: "See Other"
  case 304: "Not Modified"
  case 307: "Temporary Redirect"
  case 308: "Permanent Redirect"
  case 400: "Bad Request"
  case 404: "Not Found"
  case 408: "Request Timeout"
  case 413: "Content Too Large"
  case 429: "Too Many Requests"
  case 431: "Request Header Fields Too Large"
  case 500: "Internal Server Error"
  case 502: "Bad Gateway"
  case 503: "Service Unavailable"
  case 504: "Gateway Timeout"
  default: "Status \(status)"
  }
}
