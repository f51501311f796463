import Foundation
import Testing

/// The options about TLS, with curl's names.
@Suite struct `TLS as the options want it` {
  let sandbox: Sandbox
  let origin: Origin

  init() throws {
    sandbox = try Sandbox()
    origin = try Origin(in: sandbox)
  }

  private func fetch(_ options: [String]) throws -> Record {
    let options = options + ["--cacert", origin.authority, "--retry", "0"]
    return try sandbox.fetch([try origin.url("/fixed/7")], options).records(1)[0]
  }

  @Test func `is of the versions and ciphers that were asked for`() throws {
    #expect(try fetch([]).tls?.version == "1.3")
    #expect(try fetch(["--tls-max", "1.2"]).tls?.version == "1.2")
    let old = try fetch(["--tls-max", "1.2", "--ciphers", "ECDHE-ECDSA-AES128-GCM-SHA256"])
    #expect(old.tls?.cipher == "ECDHE-ECDSA-AES128-GCM-SHA256")
    let new = try fetch(["--tls13-ciphers", "TLS_CHACHA20_POLY1305_SHA256"])
    #expect(new.tls?.cipher == "TLS_CHACHA20_POLY1305_SHA256")
  }

  @Test func `never falls below the lowest version`() throws {
    let old = try Origin(in: sandbox, ["--tls-max", "1.2"])
    let job = try sandbox.fetch(
      [try old.url("/fixed/7")],
      ["--cacert", old.authority, "--retry", "0", "--tls-min", "1.3"]
    )
    let record = try job.records(1)[0]
    #expect(record.status == nil && record.error?.phase == "tls")
    #expect(["tls_alert", "tls_handshake_failed"].contains(record.error?.code))
  }

  @Test func `goes on only with a key that was pinned, verified or not`() throws {
    #expect(try fetch(["--pinnedpubkey", "\(origin.directory)/leaf.pem"]).gist == "200 7")
    try sandbox.openssl("x509 -in \(origin.directory)/leaf.pem -pubkey -noout -out key.pem")
    try sandbox.openssl("pkey -pubin -in key.pem -outform DER -out key.der")
    for file in ["key.pem", "key.der"] { #expect(try fetch(["--pinnedpubkey", file]).gist == "200 7", "\(file)") }
    let wrong = "sha256//" + Data(repeating: 7, count: 32).base64EncodedString()
    let refused = try fetch(["--pinnedpubkey", wrong])
    #expect(refused.gist == "tls/tls_pin_mismatch")
    #expect(try fetch(["--insecure", "--pinnedpubkey", wrong]).gist == "tls/tls_pin_mismatch")
    // The message names the key that was found.
    let words = refused.error?.message.split { " ,".contains($0) } ?? []
    let found = try #require(words.first { $0.hasPrefix("sha256//") })
    #expect(try fetch(["--pinnedpubkey", "\(wrong);\(found)"]).gist == "200 7")
  }

  @Test(arguments: [
    (["--tls-max", "1.1"], "--tls-max takes 1.2 or 1.3"),
    (["--tls-min", "1.3", "--tls-max", "1.2"], "--tls-max is below --tls-min"),
    (["--ciphers", "NONSENSE"], "TLS 1.2 ciphers"),
    (["--pinnedpubkey", "sha256//short"], "sha256//short is not sha256//"),
    (["--pinnedpubkey", "/etc/passwd"], "holds no public key"),
    (["--key", "x"], "belong to --cert"),
    (["--cert", "/etc/passwd"], "holds no PEM certificate"),
  ])
  func `is refused with a reason before anything is sent`(_ options: [String], _ reason: String) throws {
    let (ending, program) = try sandbox.run("coordinator", ["local", "-"] + options)
    #expect(ending == .exit(64))
    #expect(program.errorText.contains(reason), "\(program.errorText)")
  }
}

/// `--cert` and `--key`.
@Suite struct `A client certificate` {
  let sandbox: Sandbox
  let origin: Origin
  let nginx: Nginx

  init() throws {
    sandbox = try Sandbox()
    origin = try Origin(in: sandbox)
    try sandbox.makeClientCertificate()
    // One name asks for a certificate and sends on to the other, which takes one or none and says which.
    let authority = "\(sandbox.path)/client-ca.pem"
    nginx = try Nginx(
      in: sandbox,
      certificates: origin,
      location: """
        ssl_client_certificate \(authority);
        ssl_verify_client optional;
        location /who { return 200 "$ssl_client_verify $ssl_client_s_dn"; }
        location /away { return 302 https://127.0.0.1:$server_port/who; }
        location /back { return 302 https://127.0.0.1:$server_port/again; }
        location /again { return 302 https://localhost:$server_port/who; }
        """
    )
  }

  private func fetch(_ paths: [String], _ options: [String]) throws -> [String?] {
    let rows = paths.map { "https://localhost:\(nginx.port)\($0)" }
    let job = try sandbox.fetch(
      rows,
      options + ["--cacert", origin.authority, "--retry", "0", "-L", "--body", "inline", "--per-origin", "1"]
    )
    return try job.records(rows.count).all.map(\.body)
  }

  private static let seen = "SUCCESS CN=client"

  @Test func `is shown to the origins of the rows, and to nobody whom these send on to`() throws {
    let files = ["--cert", "\(sandbox.path)/client.pem", "--key", "\(sandbox.path)/client.key"]
    let found = try fetch(["/who", "/away", "/who", "/back", "/who"], files)
    // Neither at another origin nor back from there.
    #expect(found == [Self.seen, "NONE ", Self.seen, "NONE ", Self.seen])
    #expect(try fetch(["/who"], []) == ["NONE "])
  }

  @Test func `may have its key in the same file, and a pass phrase`() throws {
    let both = "\(sandbox.path)/both.pem"
    #expect(try fetch(["/who"], ["--cert", both, "--pass", "secret phrase"]) == [Self.seen])
    #expect(try fetch(["/who"], ["-E", "\(both):secret phrase"]) == [Self.seen])
    let (ending, program) = try sandbox.run("coordinator", ["local", "-", "--cert", both, "--pass", "wrong"])
    #expect(ending == .exit(64) && program.errorText.contains("client key"), "\(program.errorText)")
    #expect(!program.errorText.contains("wrong"))
  }

  @Test func `keeps its key out of everything but the file of secrets`() throws {
    let job = try sandbox.fetch(
      ["https://localhost:\(nginx.port)/who"],
      ["--cacert", origin.authority, "--cert", "\(sandbox.path)/both.pem", "--pass", "secret phrase"]
    )
    for name in try FileManager.default.contentsOfDirectory(atPath: job.directory) where name != "secrets" {
      let data = FileManager.default.contents(atPath: "\(job.directory)/\(name)") ?? Data()
      let text = String(decoding: data, as: UTF8.self)
      #expect(!text.contains("PRIVATE") && !text.contains("secret phrase"), "\(name)")
    }
    #expect(!job.program.errorText.contains("PRIVATE"))
  }
}

extension Sandbox {
  /// Runs the command in the sandbox; `~` stands for a space inside an argument.
  fileprivate func openssl(_ arguments: String) throws {
    let words = arguments.split(separator: " ").map { $0.replacingOccurrences(of: "~", with: " ") }
    let program = try start("openssl", at: Self.installedProgram("openssl", package: "openssl"), words)
    guard try program.wait(within: 20) == .exit(0) else { throw Trouble("openssl: \(program.errorText)") }
  }

  /// client-ca.pem; client.pem and client.key; both.pem, with the key under the pass phrase "secret phrase".
  fileprivate func makeClientCertificate() throws {
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
    try openssl("req -x509 \(key) -subj /CN=authority -days 2 -keyout client-ca.key -out client-ca.pem")
    try openssl("req \(key) -subj /CN=client -keyout client.key -out client.csr")
    try openssl("x509 -req -in client.csr -CA client-ca.pem -CAkey client-ca.key -set_serial 2 -days 2 -out client.pem")
    try openssl("pkcs8 -topk8 -in client.key -passout pass:secret~phrase -out sealed.key")
    let parts = ["client.pem", "sealed.key"].map { FileManager.default.contents(atPath: "\(path)/\($0)") ?? Data() }
    try write("both.pem", Data(parts.joined()))
  }
}
