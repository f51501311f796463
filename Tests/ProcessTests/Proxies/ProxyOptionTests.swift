import Foundation
import Testing

/// The command line of `coordinator` about proxies.
@Suite struct `Options about proxies` {
  let sandbox: Sandbox

  init() throws { sandbox = try Sandbox() }

  private func refusal(_ arguments: [String], sourceLocation: SourceLocation = #_sourceLocation) throws -> String {
    let (ending, program) = try sandbox.run("coordinator", arguments, within: 20)
    #expect(ending == .exit(64), "\(arguments): \(program.errorText)", sourceLocation: sourceLocation)
    #expect(!sandbox.exists("out"), sourceLocation: sourceLocation)
    return program.errorLines.first ?? ""
  }

  @Test func `are refused with the option's name and without a password`() throws {
    let local = ["local", try sandbox.list(["https://localhost/"]), "-o", "out"]
    let cases: [(options: [String], words: [String])] = [
      (["-x", "https://me:s3cret@proxy.test"], ["--proxy:", "http://, socks5:// and socks5h://"]),
      (["-x", "socks4://me:s3cret@proxy.test"], ["--proxy:", "socks5://"]),
      (["-x", "http://me:s3cret@"], ["--proxy:", "host"]),
      (["-x", "me:s3cret@proxy.test:70000"], ["--proxy:", "port"]),
      (["-x", "me:s3cret@::1"], ["--proxy:", "brackets"]),
      (["-x", "http://a%3Ab:s3cret@proxy.test"], ["--proxy:", "colon"]),
      (["-x", "proxy.test", "-U", "m%3Ae:s3cret"], ["--proxy-user:", "colon"]),
      (["-x", "socks5://proxy.test", "-U", ":s3cret"], ["--proxy-user:", "255"]),
      (["-U", "me:s3cret"], ["--proxy-user", "--proxy-from-env"]),
      (["-x", "proxy.test", "-H", "proxy-authorization: s3cret"], ["--header", "--proxy-user"]),
      (["-x", "proxy.test", "--noproxy", "a.test,b.test:80"], ["--noproxy", "b.test:80", "port"]),
      (["-x", "proxy.test", "--noproxy", "*.a.test"], ["--noproxy", "*.a.test"]),
      (["-x", "proxy.test", "--noproxy", "*,a.test"], ["--noproxy", "alone"]),
      (["-x", "proxy.test", "--noproxy", "10.0.0.0/33"], ["--noproxy", "10.0.0.0/33"]),
    ]
    for (options, words) in cases {
      let line = try refusal(local + options)
      #expect(words.allSatisfy(line.contains) && !line.contains("s3cret"), "\(options): \(line)")
    }
  }

  @Test func `with credentials need keys where the network is not this host's`() throws {
    let list = try sandbox.list(["https://localhost/"])
    let arguments = ["run", list, "-o", "out", "--listen", "tcp://0.0.0.0:5555", "--insecure-plaintext"]
    let line = try refusal(arguments + ["-x", "http://me:s3cret@proxy.test"])
    #expect(line.contains("credentials") && line.contains("--keys") && !line.contains("s3cret"), "\(line)")
  }

  @Test func `from a variable are refused with its name and without a password`() throws {
    let list = try sandbox.list(["https://localhost/"])
    let command = [try Sandbox.builtProgram("coordinator"), "local", list, "-o", "out", "--proxy-from-env"]
    let program = try sandbox.start(
      "coordinator",
      at: "/usr/bin/env",
      ["https_proxy=ftp://me:s3cret@proxy.test"] + command
    )
    #expect(try program.wait(within: 20) == .exit(64))
    let line = program.errorLines.first ?? ""
    #expect(line.contains("https_proxy:") && !line.contains("s3cret"), "\(line)")
  }
}
