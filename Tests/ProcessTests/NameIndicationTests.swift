import Foundation
import Testing

/// `sni` in a row: what is indicated, never what is verified.
@Suite struct `A name to indicate` {
  let sandbox: Sandbox
  let origin: Origin

  init() throws {
    sandbox = try Sandbox()
    origin = try Origin(in: sandbox)
  }

  private func row(_ url: String, _ name: String) -> String { #"{"url":"\#(url)","sni":"\#(name)"}"# }

  @Test func `does not make a certificate of that name do for another host`() throws {
    // The certificate there is for *.cases.test.
    let url = try origin.url("/fixed/5", "wrong_name")
    let rows = [row(url, "other.cases.test"), url, row(url, "other.cases.test"), url]
    let job = try sandbox.fetch(
      rows,
      ["--cacert", origin.authority, "--retry", "0", "--per-origin", "1", "-H", "Connection: close"]
    )
    let found = try job.records(rows.count).all
    #expect(found.map(\.gist) == Array(repeating: "tls/tls_hostname_mismatch", count: 4))
  }

  @Test func `is kept apart from connections under the host's own name`() throws {
    let url = try origin.url("/fixed/5")
    let rows = [row(url, "a.origin.test"), url, row(url, "b.origin.test"), url, url]
    let job = try sandbox.fetch(rows, ["--cacert", origin.authority, "--per-origin", "1"])
    try job.records(rows.count).expectAllFetched()
  }

  @Test func `stays with its own origin when a redirect leads away`() throws {
    let target = try origin.url("/fixed/9", host: "127.0.0.1")
    let url = try origin.url("/redirect-to?url=\(target)")
    let job = try sandbox.fetch([row(url, "a.origin.test")], ["--cacert", origin.authority, "-L"])
    let found = try job.records(1).all
    #expect(found.map(\.status) == [200] && found.map(\.bodyBytes) == [9])
  }
}
