import Foundation

/// A server of the tests' own, in Python: it sends the files it is given with the header fields and in the framing that
/// the target asks for, waits on cue, and writes down what it is asked for.
final class EncodingServer {
  enum Framing: String, CaseIterable {
    case length, chunked
    case untilClose = "close"
  }

  /// A request as it came.
  struct Asked: Decodable {
    /// Counted from 0 in the order in which they were made.
    var connection: Int
    var method, target: String
    /// The values of Accept-Encoding fields.
    var accepted: [String]
  }

  private let folder: String
  let port: Int

  init(in sandbox: Sandbox) throws {
    folder = "\(sandbox.path)/encoding-\(sandbox.names().count)"
    try FileManager.default.createDirectory(atPath: "\(folder)/files", withIntermediateDirectories: true)
    let folder = folder
    try Data(Self.script(folder: folder).utf8).write(to: URL(filePath: "\(folder)/server.py"))
    let python = try Sandbox.installedProgram("python3", package: "python3")
    let program = try sandbox.start("python3", at: python, ["\(folder)/server.py"])
    try waitUntil("the port of the encoding server") {
      if let ending = program.poll() { throw Trouble("the server ended with \(ending): \(program.errorText)") }
      return FileManager.default.fileExists(atPath: "\(folder)/port")
    }
    guard
      let port = Int(String(decoding: FileManager.default.contents(atPath: "\(folder)/port") ?? Data(), as: UTF8.self))
    else { throw Trouble("the encoding server names no port") }
    self.port = port
  }

  /// What it serves under a name.
  func put(_ name: String, _ body: [UInt8]) throws {
    try Data(body).write(to: URL(filePath: "\(folder)/files/\(name)"))
  }

  /// `codings`: a Content-Encoding field each. `more`: further words of the script.
  func url(_ name: String, _ codings: [String] = [], _ framing: Framing = .length, _ more: String...) -> String {
    let fields = codings.map { "coding=\($0.replacingOccurrences(of: " ", with: "+"))" }
    let words = ["framing=\(framing.rawValue)"] + fields + more
    return "http://localhost:\(port)/\(name)?\(words.joined(separator: "&"))"
  }

  /// Lets those go on that are held back, and all that would be.
  func release() throws { try Data().write(to: URL(filePath: "\(folder)/released")) }

  func log() throws -> [Asked] {
    let data = FileManager.default.contents(atPath: "\(folder)/log") ?? Data()
    return try data.split(separator: 0x0A).map { try JSONDecoder().decode(Asked.self, from: $0) }
  }

  /// Words of a target: `status=`, `location=` and `body=none`; `hold=N` sends N bytes and waits to be released;
  /// `drip=N` sends the last N bytes one by one, twenty a second.
  private static func script(folder: String) -> String {
    #"""
    import json, os, socket, socketserver, threading, time, urllib.parse

    folder = "\#(folder)"
    lock = threading.Lock()
    connections = 0

    def note(**facts):
        with lock, open(f"{folder}/log", "a") as file:
            file.write(json.dumps(facts) + "\n")

    def wait():
        while not os.path.exists(f"{folder}/released"):
            time.sleep(0.01)

    def send_body(connection, body, words, chunked):
        def send(part):
            if part:
                connection.sendall(b"%x\r\n%b\r\n" % (len(part), part) if chunked else part)
        drip = int(words.get("drip", ["0"])[0])
        body, tail = body[:len(body) - drip], body[len(body) - drip:]
        if "hold" in words:
            count = int(words["hold"][0])
            send(body[:count])
            wait()
            body = body[count:]
        if chunked:
            # Cut unlike anything else.
            for start in range(0, len(body), 7001):
                send(body[start:start + 7001])
        else:
            send(body)
        for byte in tail:
            time.sleep(0.05)
            send(bytes([byte]))
        if chunked:
            connection.sendall(b"0\r\n\r\n")

    def serve(connection, number):
        requests = connection.makefile("rb")
        while line := requests.readline():
            method, target, _ = line.decode("latin-1").split(" ")
            accepted = []
            while field := requests.readline().rstrip(b"\r\n").decode("latin-1"):
                name, _, value = field.partition(":")
                if name.lower() == "accept-encoding":
                    accepted.append(value.strip())
            note(connection=number, method=method, target=target, accepted=accepted)
            name, _, query = target[1:].partition("?")
            words = urllib.parse.parse_qs(query)
            framing = words["framing"][0]
            status = words.get("status", ["200"])[0]
            with open(f"{folder}/files/{name}", "rb") as file:
                body = file.read()
            head = f"HTTP/1.1 {status} Said\r\n"
            for coding in words.get("coding", []):
                head += f"Content-Encoding: {coding}\r\n"
            for location in words.get("location", []):
                head += f"Location: {location}\r\n"
            if framing == "chunked":
                head += "Transfer-Encoding: chunked\r\n"
            elif framing == "close":
                head += "Connection: close\r\n"
            elif status != "204":
                head += f"Content-Length: {len(body)}\r\n"
            connection.sendall(head.encode() + b"\r\n")
            if method != "HEAD" and status not in ["204", "304"]:
                send_body(connection, body, words, framing == "chunked")
            if framing == "close":
                return

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        request_queue_size = 128

        def finish_request(self, request, _):
            global connections
            with lock:
                number = connections
                connections += 1
            request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                serve(request, number)
            except OSError:
                pass

    server = Server(("127.0.0.1", 0), None)
    with open(f"{folder}/port.new", "w") as file:
        file.write(str(server.server_address[1]))
    os.rename(f"{folder}/port.new", f"{folder}/port")
    server.serve_forever()

    """#
  }
}
