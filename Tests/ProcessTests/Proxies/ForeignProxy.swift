import Foundation
import Glibc

/// A proxy that was written elsewhere, on a port of 127.0.0.1, with its files in the sandbox.
final class ForeignProxy {
  enum Software: Equatable {
    /// HTTP. `account`: "user:password" that every request has to carry; nil asks for none.
    case squid(account: String?)
    /// SOCKS version 5, without accounts: those of Dante are the system's.
    case dante
  }

  let port: Int
  private let folder: String
  private let program: Program
  private let service: String

  /// `hosts`: names that the proxy, and it alone, has addresses of.
  init(_ software: Software, in sandbox: Sandbox, hosts: [String: String] = [:]) throws {
    folder = "\(sandbox.path)/proxy-\(sandbox.names().count)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    // Started by root both serve as somebody else, who has to get at their files.
    if geteuid() == 0 {
      chmod(sandbox.path, 0o711)
      chmod(folder, 0o777)
    }
    try (hosts.map { "\($0.value) \($0.key)\n" }.joined() + "127.0.0.1 localhost\n").write(toFile: "\(folder)/hosts")

    for _ in 0..<5 {
      let free = try HeldPort.free()
      let name = "trawl\(getpid())x\(free)"
      let started = try Self.start(software, folder: folder, port: free, service: name, in: sandbox)
      var isUp = false
      try waitUntil("\(software) answers on its port") {
        isUp = (try? Client(port: free)) != nil
        return isUp || started.poll() != nil
      }
      if isUp, started.poll() == nil {
        port = free
        program = started
        service = name
        return
      }
      Self.removeSharedMemory(of: name)
      let said = started.errorText + started.outputText + Self.text("\(folder)/error.log")
      guard said.lowercased().contains("in use") else { throw Trouble("\(software): \(said.suffix(2_000))") }
    }
    throw Trouble("\(software) found no free port")
  }

  /// Asked to end, both take their children along, and squid its shared memory.
  deinit {
    program.signal(SIGTERM)
    _ = try? program.wait(within: 5)
    Self.removeSharedMemory(of: service)
  }

  private static func removeSharedMemory(of service: String) {
    for part in ["metadata", "queues", "readers"] { unlink("/dev/shm/\(service)-cf__\(part).shm") }
  }

  /// What it was asked for and let pass or not, a line each: squid's "GET http://localhost:81/ 200", Dante's own words.
  /// Written when a tunnel ends.
  var log: [String] {
    let own = Self.text("\(folder)/access.log").split(separator: "\n").map(String.init)
      // Connections without a request, such as the one that found it listening.
      .filter { !$0.hasPrefix("- error:transaction-end-before-headers") }
    let dante = program.errorLines.filter { $0.contains("tcp/connect") }
    return own + dante
  }

  func log(ofAtLeast count: Int) throws -> [String] {
    var found: [String] = []
    try waitUntil("\(count) lines in the log of the proxy") {
      found = log
      return found.count >= count
    }
    return found
  }

  func url(_ scheme: String, account: String? = nil) -> String {
    "\(scheme)://\(account.map { $0 + "@" } ?? "")127.0.0.1:\(port)"
  }

  private static func start(
    _ software: Software,
    folder: String,
    port: Int,
    service: String,
    in sandbox: Sandbox
  ) throws -> Program {
    let file = "\(folder)/configuration"
    switch software {
    case .squid(let account):
      try squidConfiguration(folder: folder, port: port, account: account).write(toFile: file)
      let squid = try Sandbox.installedProgram("squid", package: "squid")
      // In the foreground, or the sandbox could not end it; by a name of its own, under which its shared memory is.
      return try sandbox.start("squid", at: squid, ["-N", "-n", service, "-f", file])
    case .dante:
      try danteConfiguration(port: port).write(toFile: file)
      let danted = try Sandbox.installedProgram("danted", package: "dante-server")
      return try sandbox.start("danted", at: danted, ["-f", file, "-p", "\(folder)/pid"])
    }
  }

  private static func squidConfiguration(folder: String, port: Int, account: String?) throws -> String {
    var access = "http_access allow all"
    if let account {
      let parts = account.split(separator: ":", maxSplits: 1).map(String.init)
      try "\(parts[0]):\(sealed(parts[1]))\n".write(toFile: "\(folder)/accounts")
      chmod("\(folder)/accounts", 0o644)
      access = """
        auth_param basic program /usr/lib/squid/basic_ncsa_auth \(folder)/accounts
        auth_param basic children 1 startup=1 idle=1
        auth_param basic realm tests
        acl known proxy_auth REQUIRED
        http_access allow known
        http_access deny all
        """
    }
    return """
      http_port 127.0.0.1:\(port)
      visible_hostname proxy.test
      \(access)
      hosts_file \(folder)/hosts
      cache deny all
      cache_mem 1 MB
      via off
      forwarded_for delete
      logformat short %rm %ru %>Hs %[un
      strip_query_terms off
      access_log stdio:\(folder)/access.log short
      cache_log \(folder)/error.log
      cache_store_log none
      coredump_dir \(folder)
      netdb_filename none
      pid_filename none
      pinger_enable off
      max_filedescriptors 1024
      shutdown_lifetime 0 seconds

      """
  }

  /// In the form of crypt(3), which squid's own program for passwords reads.
  private static func sealed(_ password: String) throws -> String {
    let process = Foundation.Process()
    let output = Pipe()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["openssl", "passwd", "-6", password]
    process.standardOutput = output
    try process.run()
    let said = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw Trouble("openssl passwd failed") }
    return String(decoding: said, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
  }

  private static func danteConfiguration(port: Int) -> String {
    """
    logoutput: stderr
    internal: 127.0.0.1 port = \(port)
    external: 127.0.0.1
    clientmethod: none
    socksmethod: none
    \(geteuid() == 0 ? "user.privileged: root\nuser.unprivileged: nobody" : "")
    client pass {
      from: 127.0.0.0/8 to: 0.0.0.0/0
    }
    socks pass {
      from: 127.0.0.0/8 to: 0.0.0.0/0
      protocol: tcp
      command: connect
      log: connect
    }

    """
  }

  private static func text(_ path: String) -> String {
    String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
  }
}

extension String {
  fileprivate func write(toFile path: String) throws { try Data(utf8).write(to: URL(filePath: path)) }
}
