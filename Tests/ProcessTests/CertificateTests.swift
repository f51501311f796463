import Foundation
import Testing

/// The record of a row whose server shows a certificate that is not as it should be, or only looks so.
@Suite struct `A certificate` {
  let sandbox: Sandbox
  let origin: Origin

  init() throws {
    sandbox = try Sandbox()
    origin = try Origin(in: sandbox)
  }

  /// Each host below cases.test is shown the certificate of that name.
  private func options() throws -> [String] {
    ["--resolve", "*:\(try origin.port("certificates")):127.0.0.1", "--cacert", origin.authority, "--retry", "0"]
  }

  private func url(_ name: String, _ target: String = "/fixed/5") throws -> String {
    try origin.url(target, "certificates", host: "\(name).cases.test")
  }

  @Test func `is refused by name, with its depth and the reason, before the request leaves`() throws {
    let cases: [(name: String, code: String, reason: String)] = [
      ("expired", "tls_certificate_expired", "certificate has expired (code 10, depth 0)"),
      ("expired-intermediate", "tls_certificate_expired", "certificate has expired (code 10, depth 1)"),
      ("not-yet-valid", "tls_certificate_not_yet_valid", "certificate is not yet valid (code 9, depth 0)"),
      ("self-signed", "tls_certificate_untrusted", "self-signed certificate (code 18, depth 0)"),
      (
        "untrusted-root", "tls_certificate_untrusted", "self-signed certificate in certificate chain (code 19, depth 1)"
      ),
      ("incomplete-chain", "tls_certificate_untrusted", "unable to get local issuer certificate (code 20, depth 0)"),
      ("wrong.host", "tls_hostname_mismatch", "hostname mismatch (code 62, depth 0)"),
      ("no-san", "tls_hostname_mismatch", "hostname mismatch (code 62, depth 0)"),
      ("partial-wildcard", "tls_hostname_mismatch", "hostname mismatch (code 62, depth 0)"),
      ("nul-in-name", "tls_hostname_mismatch", "hostname mismatch (code 62, depth 0)"),
      ("sha1", "tls_certificate_invalid", "CA signature digest algorithm too weak (code 68, depth 0)"),
      ("rsa1024", "tls_certificate_invalid", "EE certificate key too weak (code 66, depth 0)"),
      ("wrong-usage", "tls_certificate_invalid", "(code 26, depth 0)"),
      ("intermediate-no-authority", "tls_certificate_invalid", "invalid CA certificate (code 79, depth 1)"),
      ("path-too-long", "tls_certificate_invalid", "path length constraint exceeded (code 25, depth 2)"),
      ("name-not-permitted", "tls_certificate_invalid", "permitted subtree violation (code 47, depth 0)"),
      ("bad-signature", "tls_certificate_invalid", "certificate signature failure (code 7, depth 0)"),
    ]
    let job = try sandbox.fetch(try cases.map { try url($0.name, "/fixed/5?count=1") }, options())
    for (record, expected) in zip(try job.records(cases.count).all, cases) {
      #expect(record.gist == "tls/\(expected.code)", "\(record)")
      let message = record.error?.message ?? ""
      #expect(message.hasPrefix("certificate of \(expected.name).cases.test refused: "), "\(message)")
      #expect(message.hasSuffix(expected.reason), "\(message)")
      #expect(record.error?.retryable == false && record.attempts == 1)
    }
    #expect(try origin.hits("/fixed/5?count=1") == 0)
  }

  @Test func `is taken in whatever order its chain comes, of any size and kind that is sound`() throws {
    let names = [
      "reversed-chain", "shuffled-chain", "anchor-in-chain", "cross-signed-by-expired", "1000-sans", "no-common-name",
      "no-subject", "wildcard",
      "xn--n1aae7f7o", "name-in-capitals", "name-permitted", "sha512", "rsa2048", "rsa4096", "ecc384", "revoked",
    ]
    // A dot at the end is the host's own affair: it is neither indicated nor verified.
    let rows = try names.map { try url($0) } + [try origin.url("/fixed/5", "certificates", host: "ecc256.cases.test.")]
    let found = try sandbox.fetch(rows, options()).records(rows.count).all
    for (record, row) in zip(found, rows) { #expect(record.gist == "200 5", "\(row): \(record)") }
  }

  @Test func `that is too large, or for a name nobody indicated, ends the handshake with a word about it`() throws {
    let cases: [(row: String, gist: String, message: String)] = [
      (try url("10000-sans"), "tls/tls_handshake_failed", "excessive message size"),
      (try url("rsa512"), "tls/tls_certificate_invalid", "EE certificate key too weak"),
      (try url("no-such-case"), "tls/tls_alert", "unrecognized name (112)"),
      // No name is indicated for an address.
      (try origin.url("/fixed/5", "certificates", host: "127.0.0.1"), "tls/tls_alert", "unrecognized name (112)"),
    ]
    let job = try sandbox.fetch(cases.map(\.row), options())
    for (record, expected) in zip(try job.records(cases.count).all, cases) {
      #expect(record.gist == expected.gist, "\(record)")
      #expect(record.error?.message.contains(expected.message) == true, "\(record)")
    }
  }

  @Test func `that is refused at one address is not hidden by another that refuses connections`() throws {
    let port = try origin.port("certificates")
    for addresses in ["127.0.0.2,127.0.0.1", "127.0.0.1,127.0.0.2"] {
      let job = try sandbox.fetch(
        [try url("expired")],
        ["--resolve", "*:\(port):\(addresses)", "--cacert", origin.authority, "--retry", "0"]
      )
      let record = try job.records(1)[0]
      #expect(record.gist == "tls/tls_certificate_expired", "\(record)")
      #expect(record.remoteIp == "127.0.0.1")
    }
  }

  @Test func `is verified once for several connections, which show no ticket twice and no other host's`() throws {
    // The listener ends a handshake with a ticket it has seen, and takes the same tickets for all its hosts.
    let names = (0..<60).map { $0.isMultiple(of: 6) ? "wrong.host" : $0.isMultiple(of: 2) ? "ecc256" : "wildcard" }
    let rows = try names.map { try url($0) }
    let job = try sandbox.fetch(rows, options() + ["-H", "Connection: close", "--per-origin", "3"])
    let found = try job.records(rows.count).all
    for (record, name) in zip(found, names) {
      #expect(record.gist == (name == "wrong.host" ? "tls/tls_hostname_mismatch" : "200 5"), "\(name): \(record)")
    }
    // All but the first few of each host.
    #expect(found.count { $0.tls?.resumed == true } >= 40)
  }

  @Test func `of a server that knows nothing newer than TLS 1_1 is never seen`() throws {
    let old = try Origin(in: sandbox, ["--tls-max", "1.1"])
    let job = try sandbox.fetch([try old.url("/fixed/5")], ["--cacert", old.authority, "--retry", "0"])
    let record = try job.records(1)[0]
    #expect(record.gist == "tls/tls_alert", "\(record)")
    #expect(record.error?.message.contains("protocol version (70)") == true, "\(record)")
  }
}
