import Foundation

/// A proxy of the tests' own, in Python: it writes down what it is asked for, and misbehaves by the name it is asked
/// for or by the port it is asked on.
final class ScriptedProxy {
  /// Its listeners, all on 127.0.0.1.
  enum Listener: String {
    /// HTTP, without accounts.
    case http
    /// SOCKS version 5, without accounts.
    case socks
    /// SOCKS version 5 for the account `user:password` alone.
    case guarded
    /// Takes what comes and says nothing.
    case silent
    /// Says what no proxy says, at once.
    case garbage
    /// Ends every connection when something comes.
    case closing
    /// Answers CONNECT with a head that has no end, slowly.
    case dripping
  }

  private let folder: String
  private let ports: [String: Int]

  init(in sandbox: Sandbox, account: String = "user:password") throws {
    folder = "\(sandbox.path)/scripted-\(sandbox.names().count)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let folder = folder
    try Data(Self.script(folder: folder, account: account).utf8).write(to: URL(filePath: "\(folder)/proxy.py"))
    let python = try Sandbox.installedProgram("python3", package: "python3")
    let program = try sandbox.start("python3", at: python, ["\(folder)/proxy.py"])
    try waitUntil("ports of the scripted proxy") {
      if let ending = program.poll() { throw Trouble("the proxy ended with \(ending): \(program.errorText)") }
      return FileManager.default.fileExists(atPath: "\(folder)/ports.json")
    }
    let data = FileManager.default.contents(atPath: "\(folder)/ports.json") ?? Data()
    ports = try JSONDecoder().decode([String: Int].self, from: data)
  }

  func url(_ scheme: String, _ listener: Listener, account: String? = nil) throws -> String {
    guard let port = ports[listener.rawValue] else { throw Trouble("the proxy has no listener \(listener)") }
    return "\(scheme)://\(account.map { $0 + "@" } ?? "")127.0.0.1:\(port)"
  }

  /// What it was asked for, in order: "CONNECT host:port", "GET http://host/", "name host port", "address host port".
  var log: [String] { text("log").split(separator: "\n").map(String.init) }

  /// The heads of requests, as they came.
  var heads: [String] { text("heads").components(separatedBy: "\r\n\r\n").filter { !$0.isEmpty } }

  /// Connections that were made to any of its ports.
  var connections: Int { text("connections").utf8.count }

  private func text(_ name: String) -> String {
    String(decoding: FileManager.default.contents(atPath: "\(folder)/\(name)") ?? Data(), as: UTF8.self)
  }

  /// Names: `only.invalid` and what is below it is this host; `statusN.test` is answered with that status to CONNECT,
  /// `replyN.test` with that reply of SOCKS; `surplus.test` gets a byte more than the answer.
  private static func script(folder: String, account: String) -> String {
    #"""
    import json, os, re, socket, socketserver, threading, time

    folder = "\#(folder)"
    user, _, password = "\#(account)".partition(":")
    lock = threading.Lock()

    def note(name, text):
        with lock, open(f"{folder}/{name}", "a", newline="") as file:
            file.write(text)

    def take(connection, count):
        data = b""
        while len(data) < count:
            part = connection.recv(count - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    def take_head(connection):
        data = b""
        while not data.endswith(b"\r\n\r\n"):
            data += take(connection, 1)
        return data.decode("latin-1")

    def dial(host, port):
        if re.search(r"(^|\.)only\.invalid$", host):
            host = "127.0.0.1"
        if host not in ["localhost", "127.0.0.1", "::1"]:
            raise OSError("not on this host")
        return socket.create_connection((host, port), 10)

    def pump(source, sink):
        try:
            while part := source.recv(65536):
                sink.sendall(part)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def join(one, other):
        threading.Thread(target=pump, args=(one, other), daemon=True).start()
        pump(other, one)

    def http(connection):
        while True:
            head = take_head(connection)
            note("heads", head)
            method, target, _ = head.split("\r\n")[0].split(" ")
            note("log", f"{method} {target}\n")
            if method == "CONNECT":
                host, _, port = target.rpartition(":")
                if status := re.match(r"status(\d+)\.test", host):
                    connection.sendall(b"HTTP/1.1 %b No\r\nContent-Length: 5\r\n\r\nhello" % status[1].encode())
                    return
                if host == "surplus.test":
                    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n!")
                    return
                with dial(host.strip("[]"), int(port)) as origin:
                    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                    join(connection, origin)
                return
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nscripted\n")

    def socks(connection, guarded=False):
        methods = take(connection, take(connection, 2)[1])
        if (2 if guarded else 0) not in methods:
            connection.sendall(b"\x05\xff")
            return
        connection.sendall(b"\x05\x02" if guarded else b"\x05\x00")
        if guarded:
            name = take(connection, take(connection, 2)[1]).decode()
            secret = take(connection, take(connection, 1)[0]).decode()
            note("log", f"account {name}\n")
            if (name, secret) != (user, password):
                connection.sendall(b"\x01\x01")
                return
            connection.sendall(b"\x01\x00")
        kind = take(connection, 4)[3]
        if kind == 3:
            host = take(connection, take(connection, 1)[0]).decode()
        elif kind == 1:
            host = socket.inet_ntop(socket.AF_INET, take(connection, 4))
        else:
            host = socket.inet_ntop(socket.AF_INET6, take(connection, 16))
        port = int.from_bytes(take(connection, 2), "big")
        note("log", f"{'name' if kind == 3 else 'address'} {host} {port}\n")
        if reply := re.match(r"reply(\d+)\.test", host):
            connection.sendall(bytes([5, int(reply[1]), 0, 1, 0, 0, 0, 0, 0, 0]))
            return
        granted = b"\x05\x00\x00\x03\x09somewhere\x00\x50"
        if host == "surplus.test":
            connection.sendall(granted + b"!")
            return
        try:
            origin = dial(host, port)
        except OSError:
            connection.sendall(b"\x05\x04\x00\x01\x00\x00\x00\x00\x00\x00")
            return
        with origin:
            for byte in granted:
                connection.sendall(bytes([byte]))
            join(connection, origin)

    def guarded(connection):
        socks(connection, guarded=True)

    def silent(connection):
        while connection.recv(65536):
            pass

    def garbage(connection):
        connection.sendall(b"220 mail.test ready\r\n")
        silent(connection)

    def closing(connection):
        connection.recv(1)

    def dripping(connection):
        take_head(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            connection.sendall(b"A: b\r\n")
            time.sleep(0.02)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        request_queue_size = 64

        def __init__(self, serve):
            self.serve = serve
            super().__init__(("127.0.0.1", 0), None)

        def finish_request(self, request, _):
            note("connections", ".")
            request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                self.serve(request)
            except (EOFError, OSError):
                pass

    ports = {}
    for serve in [http, socks, guarded, silent, garbage, closing, dripping]:
        server = Server(serve)
        ports[serve.__name__] = server.server_address[1]
        threading.Thread(target=server.serve_forever).start()
    with open(f"{folder}/ports.new", "w") as file:
        json.dump(ports, file)
    os.rename(f"{folder}/ports.new", f"{folder}/ports.json")

    """#
  }
}
