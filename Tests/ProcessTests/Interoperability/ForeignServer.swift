import Foundation
import Glibc

/// A running server that was written elsewhere, with its files in the sandbox.
final class ForeignServer {
  /// Its listeners, all on 127.0.0.1 with the same pages.
  enum Listener: Int, CaseIterable {
    case plain, tls13, tls12
    /// TLS 1.3 again, with an early end of each connection.
    case brief
  }

  let software: ServerSoftware
  let folder: String
  private let ports: [Int]
  /// What HAProxy hands requests on to.
  private let backend: ForeignServer?

  /// `certificates`: whose leaf.pem and leaf.key it shows. `more`: what nginx serves beside the pages, as part of its
  /// configuration.
  init(_ software: ServerSoftware, in sandbox: Sandbox, certificates: Origin, serving more: String = "") throws {
    let backend = software == .haproxy ? try ForeignServer(.nginx, in: sandbox, certificates: certificates) : nil
    self.software = software
    self.backend = backend
    folder = "\(sandbox.path)/\(software.program.name)"
    try Self.makeFolder(folder, certificates: certificates.directory)
    // A server that root starts may serve as somebody else, who has to get at the pages.
    if geteuid() == 0 { chmod(sandbox.path, 0o711) }

    for _ in 0..<5 {
      let found = try Self.freePorts()
      let configuration = ServerConfiguration(folder: folder, ports: found, backend: backend?[.plain], more: more)
      let program = try Self.start(software, configuration, in: sandbox)
      var isUp = false
      try waitUntil("\(software.rawValue) answers on its ports") {
        isUp = found.allSatisfy { (try? Client(port: $0)) != nil } && Self.runsScripts(software, port: found[0])
        return isUp || program.poll() != nil
      }
      if isUp, program.poll() == nil {
        ports = found
        return
      }
      let said = program.errorText + program.outputText + Self.text("\(folder)/error.log")
      // Each says so in words of its own: "in use" or "cannot bind".
      guard said.contains("in use") || said.contains("cannot bind") else {
        throw Trouble("\(software.rawValue): \(said.suffix(2_000))")
      }
    }
    throw Trouble("\(software.rawValue) found no free ports")
  }

  /// Apache listens before the process is there that starts its scripts, and answers 500 until it is.
  private static func runsScripts(_ software: ServerSoftware, port: Int) -> Bool {
    software != .apache || ((try? get("/chunked", port: port))?.utf8.count ?? 0) > Page.medium.content.count / 2
  }

  subscript(listener: Listener) -> Int { ports[listener.rawValue] }

  func url(_ target: String, _ listener: Listener) -> String {
    "\(listener == .plain ? "http" : "https")://localhost:\(self[listener])\(target)"
  }

  /// What was uploaded under a name.
  func uploaded(_ name: String) -> [UInt8]? {
    FileManager.default.contents(atPath: "\((backend ?? self).folder)/put/\(name)").map(Array.init)
  }

  private static func text(_ path: String) -> String {
    String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
  }

  // MARK: Parts

  /// Held until all are found, so that they differ, and no longer than this function: the servers need them.
  private static func freePorts() throws -> [Int] {
    let held = try Listener.allCases.map { _ in try HeldPort() }
    return held.map(\.port)
  }

  private static func makeFolder(_ folder: String, certificates: String) throws {
    let files = FileManager.default
    for name in ["", "/www", "/www/folder", "/cgi", "/put", "/temporary"] {
      try files.createDirectory(atPath: folder + name, withIntermediateDirectories: true)
    }
    for page in Page.allCases {
      try Data(page.content).write(to: URL(fileURLWithPath: "\(folder)/www/\(page.rawValue)"))
    }
    // Overwritten by uploads, which are all answered alike then.
    for listener in Listener.allCases { try Data().write(to: URL(fileURLWithPath: "\(folder)/put/\(listener)")) }
    for (name, script) in ServerConfiguration.scripts(folder: folder) {
      try Data(script.utf8).write(to: URL(fileURLWithPath: "\(folder)/cgi/\(name)"))
      chmod("\(folder)/cgi/\(name)", 0o755)
    }
    // HAProxy wants both in one file.
    var both = Data()
    for name in ["leaf.pem", "leaf.key"] { both += files.contents(atPath: "\(certificates)/\(name)") ?? Data() }
    try both.write(to: URL(fileURLWithPath: "\(folder)/leaf.both"))
    for name in ["leaf.pem", "leaf.key"] {
      try files.copyItem(atPath: "\(certificates)/\(name)", toPath: "\(folder)/\(name)")
    }
  }

  private static func start(_ software: ServerSoftware, _ configuration: ServerConfiguration, in sandbox: Sandbox)
    throws -> Program
  {
    let needed = software.program
    let program = try Sandbox.installedProgram(needed.name, package: needed.package)
    let folder = configuration.folder
    let file = "\(folder)/configuration"
    try Data(configuration.text(for: software).utf8).write(to: URL(fileURLWithPath: file))
    // In the foreground each, or the sandbox could not end it.
    let arguments =
      switch software {
      case .nginx: ["-p", folder, "-e", "\(folder)/error.log", "-c", file]
      case .apache: ["-DFOREGROUND", "-f", file]
      case .haproxy: ["-db", "-f", file]
      case .caddy: ["run", "--adapter", "caddyfile", "--config", file]
      case .lighttpd, .lighttpdGnuTLS: ["-D", "-f", file]
      case .python: [file]
      }
    // Caddy looks for a home, and would write into it.
    let home = ["HOME=\(folder)", "XDG_DATA_HOME=\(folder)", "XDG_CONFIG_HOME=\(folder)"]
    return try sandbox.start(needed.name, at: "/usr/bin/env", home + [program] + arguments)
  }
}
