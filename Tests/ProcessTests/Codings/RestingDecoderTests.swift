import Foundation
import Glibc
import Testing

/// Connections between bodies keep small decoders, but not those of thousands: others need the memory.
@Suite struct `Decoders of resting connections` {
  /// Each keeps 48 KiB, and all of them together more than 256 MiB.
  private static let resting = 5_600

  private static let canHoldThem: Bool = {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    return limit.rlim_cur >= 3 * resting
  }()

  @Test(.enabled(if: canHoldThem, "as many descriptors are not to be had"))
  func `leave memory to bodies that come meanwhile`() throws {
    let sandbox = try Sandbox()
    let plain = Plain.page(lines: 100)
    let nginx = try ManyHosts(in: sandbox, connections: 2 * Self.resting)
    try nginx.put("gzip", try sandbox.encode(plain, .gzip))
    try nginx.put("zstd", try sandbox.encode(plain, Encoder(coding: "zstd", command: "cat | zstd -qc --zstd=wlog=23")))
    // A host each, so that each has a connection, which rests for 15 s then.
    let rows = (0..<Self.resting).map { nginx.url("gzip", host: $0) } + (0..<8).map { nginx.url("zstd", host: $0) }

    let port = try HeldPort.free()
    let options = ["--compressed", "--retry", "0", "--max-time", "\(10 * patience)"]
    let job = try sandbox.startRemote(input: try sandbox.list(rows), port: port, options)
    _ = try sandbox.startAgent(port: port, ["--connections", "\(2 * Self.resting)", "--once"])
    let records = try job.wait(within: 90).records(rows.count).all
    let late = records.filter { $0.status != 200 || $0.error != nil || $0.bodySha256 != Digest.sha256(plain) }
    #expect(late.isEmpty, "\(late.count) rows were not fetched, such as \(late.prefix(2))")
  }
}

/// An nginx that is a different host by every address of 127.0.0.0/8.
private struct ManyHosts {
  private let folder: String
  private let port: Int

  init(in sandbox: Sandbox, connections: Int) throws {
    folder = "\(sandbox.path)/hosts"
    port = try HeldPort.free()
    try runTool("/bin/mkdir", ["-m", "755", folder])
    chmod(sandbox.path, 0o711)
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map { "\($0)_temp_path \(folder)/\($0);" }
    let text = """
      daemon off;
      worker_processes 1;
      worker_rlimit_nofile \(connections + 100);
      pid \(folder)/pid;
      error_log \(folder)/log warn;
      events { worker_connections \(connections); }
      http {
        access_log off;
        \(temporary.joined(separator: " "))
        keepalive_timeout 300s;
        root \(folder);
        server {
          listen 0.0.0.0:\(port) backlog=4096;
          location /gzip { add_header Content-Encoding gzip; }
          location /zstd { add_header Content-Encoding zstd; }
        }
      }
      """
    let file = try sandbox.write("hosts/configuration", text)
    let nginx = try Sandbox.installedProgram("nginx", package: "nginx")
    let program = try sandbox.start("nginx", at: nginx, ["-p", folder, "-e", "\(folder)/log", "-c", file])
    let port = port
    try waitUntil("nginx listens") {
      if let ending = program.poll() { throw Trouble("nginx ended with \(ending): \(program.errorText)") }
      return (try? Client(port: port)) != nil
    }
  }

  func put(_ name: String, _ body: [UInt8]) throws {
    let path = "\(folder)/\(name)"
    try Data(body).write(to: URL(filePath: path))
    chmod(path, 0o644)
  }

  func url(_ name: String, host: Int) -> String { "http://127.1.\(host / 250).\(host % 250 + 1):\(port)/\(name)" }
}
