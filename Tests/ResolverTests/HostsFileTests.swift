import PosixIO
import Resolver
import Testing

@Suite struct HostsFileTests {
  /// The addresses of a name, IPv4 before IPv6; nil if the file does not have it.
  private static func addresses(_ text: String, _ name: String) -> [String]? {
    HostsFile(parsing: Array(text.utf8)).entry(for: name).map { ($0.ipv4 + $0.ipv6).map(\.addressText) }
  }

  @Test func `a line has an address and any number of names`() {
    let text = "127.0.0.1 localhost\n192.0.2.7\ta.example  a\tb # comment\n"
    #expect(Self.addresses(text, "localhost") == ["127.0.0.1"])
    for name in ["a.example", "a", "b"] { #expect(Self.addresses(text, name) == ["192.0.2.7"]) }
    #expect(Self.addresses(text, "comment") == nil)
    #expect(Self.addresses(text, "#") == nil)
  }

  @Test func `several lines about a name add up, without doubles`() {
    let text = "192.0.2.1 a\n2001:db8::1 a\n192.0.2.2 b a\n192.0.2.1 a\n"
    #expect(Self.addresses(text, "a") == ["192.0.2.1", "192.0.2.2", "2001:db8::1"])
  }

  @Test func `case does not matter, nor a dot at the end`() {
    #expect(Self.addresses("192.0.2.1 A.Example\n", "a.example") == ["192.0.2.1"])
    #expect(Self.addresses("192.0.2.1 a.example.\n", "a.example") == ["192.0.2.1"])
    #expect(Self.addresses("192.0.2.1 a.example\n", "a.example.") == ["192.0.2.1"])
  }

  @Test func `lines that are none are passed over`() {
    let text = "nonsense a\n192.0.2 a\n192.0.2.1\n\n # 192.0.2.3 a\n#192.0.2.3 a\nfe80::1%eth0 a\n192.0.2.2 a"
    #expect(Self.addresses(text, "a") == ["192.0.2.2"])
  }

  @Test func `lines may end as on Windows, and begin with space`() {
    #expect(Self.addresses("  192.0.2.1 a\r\n\t192.0.2.2 b \r\n", "a") == ["192.0.2.1"])
    #expect(Self.addresses("  192.0.2.1 a\r\n\t192.0.2.2 b \r\n", "b") == ["192.0.2.2"])
  }

  @Test func `bytes that are no text do no harm`() {
    let file = HostsFile(parsing: [0xFF, 0xFE, 0x20, 0x61, 0x0A] + Array("192.0.2.1 b".utf8))
    #expect(file.entry(for: "b")?.ipv4.count == 1)
    #expect(file.entry(for: "a") == nil)
  }

  @Test func `an empty file has no names`() {
    #expect(HostsFile(parsing: []) == HostsFile())
    #expect(HostsFile().entry(for: "localhost") == nil)
  }
}
