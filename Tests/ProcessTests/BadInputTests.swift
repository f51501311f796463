import Foundation
import Testing

@Suite struct `A job that cannot be done` {
  let sandbox: Sandbox

  init() throws { sandbox = try Sandbox() }

  /// Runs the coordinator and expects an exit status, one line that holds all of `words`, and nothing left behind.
  private func expectRefusal(
    _ arguments: [String],
    _ status: Int32,
    saying words: [String],
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let before = sandbox.names().filter { !$0.hasPrefix("coordinator-") }
    let (ending, program) = try sandbox.run("coordinator", arguments, within: 20)
    #expect(ending == .exit(status), "\(arguments): \(program.errorText)", sourceLocation: sourceLocation)
    let lines = program.errorLines
    let line = lines.first { line in words.allSatisfy(line.contains) }
    #expect(line != nil, "no line with \(words) in: \(program.errorText)", sourceLocation: sourceLocation)
    let others = lines.filter { !$0.hasPrefix("waiting for agents") }
    let isOneLine = others.count == 1 && others[0].hasPrefix("coordinator: ")
    #expect(isOneLine, "one line, not: \(program.errorText)", sourceLocation: sourceLocation)
    #expect(program.outputText.isEmpty, "\(program.outputText)", sourceLocation: sourceLocation)
    let after = sandbox.names().filter { !$0.hasPrefix("coordinator-") }
    #expect(after == before, "something is left behind", sourceLocation: sourceLocation)
    #expect(sandbox.names(in: "run").isEmpty, "the local socket is left behind", sourceLocation: sourceLocation)
  }

  @Test func `for want of rows`() throws {
    try expectRefusal(["local", "absent.txt", "-o", "out"], 2, saying: ["absent.txt", "No such file"])
    try expectRefusal(["local", sandbox.path, "-o", "out"], 2, saying: [sandbox.path, "directory"])
    let empty = try sandbox.write("empty.txt", "")
    try expectRefusal(["local", empty, "-o", "out"], 2, saying: ["empty.txt", "no request"])
    let comments = try sandbox.write("comments.txt", "# one\n\n   \n# two")
    try expectRefusal(["local", comments, "-o", "out"], 2, saying: ["comments.txt", "no request"])
    try expectRefusal(["local", "-", "-o", "out"], 2, saying: ["standard input", "no request"])
  }

  @Test func `for want of a standard input`() throws {
    let script = #"exec "$0" local - -o out <&-"#
    let path = try Sandbox.builtProgram("coordinator")
    let program = try sandbox.start("coordinator", at: "/bin/sh", ["-c", script, path])
    #expect(try program.wait(within: 10) == .exit(2))
    #expect(program.errorText == "coordinator: standard input holds no request\n")
    #expect(!sandbox.exists("out"))
  }

  @Test func `in a folder that holds one or cannot be made`() throws {
    let list = try sandbox.list(["not a url"])
    let first = try sandbox.run("coordinator", ["local", list, "-o", "done", "--agents", "1"])
    #expect(first.ending == .exit(0))
    let records = FileManager.default.contents(atPath: "\(sandbox.path)/done/results.jsonl")
    try expectRefusal(["local", list, "-o", "done"], 2, saying: ["done", "already holds a job"])
    #expect(FileManager.default.contents(atPath: "\(sandbox.path)/done/results.jsonl") == records)
    try FileManager.default.createDirectory(atPath: "\(sandbox.path)/mine", withIntermediateDirectories: false)
    _ = try sandbox.write("mine/input", "of the user's")
    try expectRefusal(["local", list, "-o", "mine"], 2, saying: ["mine already holds input", "-o"])
    #expect(FileManager.default.contents(atPath: "\(sandbox.path)/mine/input") == Data("of the user's".utf8))
    try expectRefusal(["local", list, "-o", "no/such/parent"], 2, saying: ["no/such/parent"])
    try expectRefusal(["local", list, "-o", list], 2, saying: [list])
  }

  @Test func `for want of a port`() throws {
    let held = try HeldPort()
    let list = try sandbox.list(["https://localhost/"])
    try withExtendedLifetime(held) {
      let listen = "tcp://127.0.0.1:\(held.port)"
      try expectRefusal(["run", list, "-o", "out", "--listen", listen], 2, saying: ["\(held.port)", "in use"])
    }
  }

  @Test func `for want of agents`() throws {
    let list = try sandbox.list(["https://localhost/"])
    let listen = "tcp://127.0.0.1:\(try HeldPort.free())"
    let begin = Date()
    let arguments = ["run", list, "-o", "out", "--listen", listen, "--agent-wait", "1"]
    let (ending, program) = try sandbox.run("coordinator", arguments, within: 20)
    #expect(ending == .exit(2))
    #expect(program.errorText.contains("no agent came within 1 s"), "\(program.errorText)")
    #expect(Date().timeIntervalSince(begin) < 6 * patience)
    try expectRefusal(arguments.dropLast() + ["0.5"], 2, saying: ["no agent came within 0.5 s"])
  }

  @Test func `for want of the agent program`() throws {
    let list = try sandbox.list(["https://localhost/"])
    try FileManager.default.createDirectory(atPath: "\(sandbox.path)/bin", withIntermediateDirectories: false)
    let path = "\(sandbox.path)/bin/coordinator"
    // By another process: what one of our threads has open for writing, a program started by another inherits, and
    // then it cannot be executed (execve(2), ETXTBSY).
    try sandbox.start("cp", at: "/bin/cp", [Sandbox.builtProgram("coordinator"), path]).wait(within: 10)
    let program = try sandbox.start("coordinator", at: path, ["local", list, "-o", "out"])
    #expect(try program.wait(within: 10) == .exit(2))
    #expect(program.errorLines.count == 1 && program.errorText.contains("bin/agent is missing"))
    #expect(!sandbox.exists("out"))
    let agent = "\(sandbox.path)/bin/agent"
    try FileManager.default.createSymbolicLink(atPath: agent, withDestinationPath: "/bin/false")
    let other = try sandbox.start("coordinator", at: path, ["local", list, "-o", "out", "--agents", "1"])
    #expect(try other.wait(within: 20) == .exit(2))
    #expect(other.errorText.contains("exit status 1"))
    #expect(other.errorLines.last?.hasPrefix("coordinator: every local agent ended each time") == true)
    #expect(!sandbox.exists("out"))
  }

  @Test func `as its options stand`() throws {
    let list = try sandbox.list(["https://localhost/"])
    let local = ["local", list, "-o", "out"]
    let cases: [(options: [String], words: [String])] = [
      (["--no-such-flag"], ["--no-such-flag"]),
      (["--retry", "-1"], ["--retry"]),
      (["--retry=-1"], ["--retry"]),
      (["--retry", "many"], ["many"]),
      (["--max-time", "0"], ["--max-time"]),
      (["--connect-timeout", "nan"], ["--connect-timeout"]),
      (["--per-origin", "0"], ["--per-origin"]),
      (["--agents", "0"], ["--agents"]),
      (["--agent-wait", "0"], ["--agent-wait"]),
      (["--agent-wait", "1e300"], ["--agent-wait"]),
      (["--max-redirs", "100000"], ["--max-redirs"]),
      (["--body", "eat"], ["--body"]),
      (["--tls-min", "1.0"], ["--tls-min"]),
      (["--cacert", "absent.pem"], ["--cacert", "absent.pem"]),
      (["--cacert", list], ["TLS"]),
      (["-H", "no colon"], ["--header"]),
      (["-H", "@absent"], ["absent"]),
      (["-d", "@absent"], ["absent"]),
      (["-d", "a", "--json", "b"], ["--json", "--data"]),
      (["-I", "-d", "a"], ["--head"]),
      (["-4", "-6"], ["-4", "-6"]),
      (["--resolve", "nonsense"], ["--resolve", "nonsense"]),
      (["--connect-to", "a:b"], ["--connect-to", "a:b"]),
      (["-X", "NO METHOD"], ["NO METHOD"]),
    ]
    for (options, words) in cases { try expectRefusal(local + options, 64, saying: words) }
    try expectRefusal(["local"], 64, saying: ["input", "coordinator local --help"])
    try expectRefusal(["remote"], 64, saying: ["remote", "coordinator --help"])
    try expectRefusal(["run", list, "--listen", "tcp://127.0.0.1:1"], 64, saying: ["-o"])
    try expectRefusal(["run", list, "-o", "out", "--listen", "nowhere"], 64, saying: ["--listen", "nowhere"])
    let everywhere = ["run", list, "-o", "out", "--listen", "tcp://0.0.0.0:5555"]
    try expectRefusal(everywhere, 64, saying: ["0.0.0.0", "--insecure-plaintext"])
    try expectRefusal(everywhere + ["--insecure-plaintext", "-u", "a:b"], 64, saying: ["unencrypted"])
  }

  @Test func `is no matter for an agent's command line`() throws {
    let places = [
      "nowhere", "ipc://", "tcp://", "tcp://127.0.0.1", "tcp://:1", "tcp://127.0.0.1:notaport", "tcp://127.0.0.1:99999",
    ]
    let cases = places.map { ["--coordinator", $0] } + [[], ["--coordinator", "tcp://127.0.0.1:1", "--threads", "0"]]
    for arguments in cases {
      let (ending, program) = try sandbox.run("agent", arguments, within: 10)
      #expect(ending == .exit(64), "\(arguments): \(program.errorText)")
      let line = program.errorLines.first ?? ""
      #expect(program.errorLines.count == 1 && line.hasPrefix("agent: ") && line.hasSuffix("(see agent --help)"))
      #expect(line.contains(arguments.isEmpty ? "--coordinator" : arguments[arguments.count - 2]), "\(line)")
    }
  }

  @Test func `is no success for several agents that cannot start`() throws {
    // Longer than a socket's path may be (unix(7)).
    let endpoint = "ipc:///" + String(repeating: "a", count: 200)
    let (ending, program) = try sandbox.run("agent", ["--coordinator", endpoint, "--processes", "2"], within: 10)
    #expect(ending == .exit(2), "\(program.errorText)")
  }
}

@Suite struct `Input and output` {
  let sandbox: Sandbox
  let origin: Origin

  init() throws {
    sandbox = try Sandbox()
    origin = try Origin(in: sandbox)
  }

  @Test func `may be the standard ones`() throws {
    let rows = try (0..<500).map { try origin.url("/fixed/\($0)") }
    let list = try sandbox.list(rows)
    let (ending, program) = try sandbox.run(
      "coordinator",
      ["local", "-", "-o", "-", "--agents", "1", "--cacert", origin.authority],
      input: .file(list)
    )
    #expect(ending == .exit(0), "\(program.errorText)")
    let records = try Records(Data(program.outputText.utf8), count: rows.count)
    records.expectAllFetched()
    #expect(records.all.map(\.url) == rows)
    #expect(program.errorText.contains("500 of 500 recorded"))
    let names = sandbox.names().filter { $0.hasSuffix(".jsonl") || $0.contains("stdin") || $0 == "-" }
    #expect(names.isEmpty, "no folder is made: \(names)")
  }

  @Test func `may have any line ends, a mark at the start and no end`() throws {
    let urls = try (0..<4).map { try origin.url("/fixed/\($0)") }
    let text = "\u{FEFF}\(urls[0])\r\n# comment\r\n\r\n\(urls[1])\n   \n\(urls[2])\r\n\(urls[3])"
    let file = try sandbox.write("odd.txt", text)
    let (ending, program) = try sandbox.run(
      "coordinator",
      ["local", file, "-o", "odd", "--agents", "1", "--cacert", origin.authority]
    )
    #expect(ending == .exit(0), "\(program.errorText)")
    let data = FileManager.default.contents(atPath: "\(sandbox.path)/odd/results.jsonl") ?? Data()
    let records = try Records(data, count: 4)
    records.expectAllFetched()
    #expect(records.all.map(\.url) == urls)
  }

  @Test func `go on after lines that are too long or no text at all`() throws {
    let good = try origin.url("/fixed/1")
    var data = Data("\(good)\n".utf8)
    data.append(Data(repeating: UInt8(ascii: "a"), count: 2 << 20))
    data.append(Data("\n\(good)\n".utf8))
    data.append(Data([0x00, 0xFF, 0xFE, 0x80, 0x0A]))
    data.append(Data("{\"url\":\"\(good)\",\"body\":\"".utf8))
    data.append(Data(repeating: UInt8(ascii: "b"), count: 2 << 20))
    data.append(Data("\"}\n\(good)".utf8))
    let file = try sandbox.write("long.txt", data)
    let (ending, program) = try sandbox.run(
      "coordinator",
      ["local", file, "-o", "long", "--agents", "1", "--cacert", origin.authority]
    )
    #expect(ending == .exit(0), "\(program.errorText)")
    let found = FileManager.default.contents(atPath: "\(sandbox.path)/long/results.jsonl") ?? Data()
    let gists = try Records(found, count: 6).all.map(\.gist)
    let tooLong = "input/line_too_long"
    #expect(gists == ["200 1", tooLong, "200 1", "input/invalid_url", tooLong, "200 1"])
  }

  @Test func `without -o go into a fresh folder named after the input`() throws {
    let list = try sandbox.list([try origin.url("/fixed/1")], name: "my-list.txt")
    let (ending, program) = try sandbox.run("coordinator", ["local", list, "--cacert", origin.authority, "--quiet"])
    #expect(ending == .exit(0))
    #expect(program.errorText.isEmpty, "--quiet: \(program.errorText)")
    let folder = try #require(sandbox.names().first { $0.hasPrefix("my-list-") })
    let files = [
      "coordinator.lock", "job.json", "journal", "lock", "results.idx", "results.jsonl", "status.json", "summary.json",
    ]
    #expect(sandbox.names(in: folder) == files)
    let attributes = try FileManager.default.attributesOfItem(atPath: "\(sandbox.path)/\(folder)")
    #expect(attributes[.posixPermissions] as? Int == 0o700)
  }

  @Test func `end with whole lines where a file may not grow`() throws {
    let list = try sandbox.list(try (0..<4_000).map { try origin.url("/fixed/\($0)") })
    let script = #"ulimit -f 1000; exec "$0" "$@""#
    let program = try sandbox.start(
      "coordinator",
      at: "/bin/sh",
      ["-c", script, Sandbox.builtProgram("coordinator"), "local", list, "-o", "out", "--cacert", origin.authority]
    )
    #expect(try program.wait(within: 30) == .exit(2))
    for part in ["cannot write records", "ulimit -f", "coordinator resume"] {
      #expect(program.errorText.contains(part), "\(program.errorText)")
    }
    let data = FileManager.default.contents(atPath: "\(sandbox.path)/out/results.jsonl") ?? Data()
    #expect(try !Records.lines(data).isEmpty)
  }

  @Test func `end with status 1 if --fail is given and a row failed`() throws {
    let good = try origin.url("/fixed/1")
    let options = ["--cacert", origin.authority, "--retry", "0"]
    _ = try sandbox.fetch([good], options + ["--fail"], expecting: .exit(0))
    _ = try sandbox.fetch([good, try origin.url("/status/404")], options + ["--fail"], expecting: .exit(1))
    _ = try sandbox.fetch([good, try origin.url("/", "refused")], options + ["--fail"], expecting: .exit(1))
    _ = try sandbox.fetch([good, "no url"], options + ["--fail"], expecting: .exit(1))
    _ = try sandbox.fetch([good, try origin.url("/status/404"), "no url"], options, expecting: .exit(0))
  }
}
