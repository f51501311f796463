import PosixIO
import Testing

@Suite struct SocketSourceTests {
  private static func list(_ text: String) throws -> [String] { try SocketSource.list(text).map(\.description) }

  @Test func `addresses of this host and devices are taken, in their order`() throws {
    #expect(try Self.list("127.0.0.2, 127.0.0.1,lo") == ["127.0.0.2", "127.0.0.1", "lo"])
  }

  @Test(arguments: ["", "127.0.0.1,", "nosuchdevice0", "example.org"])
  func `what is neither is named`(_ text: String) {
    let last = String(text.split(separator: ",", omittingEmptySubsequences: false).last ?? "")
    #expect(throws: SocketSource.Problem.unknown(last)) { try SocketSource.list(text) }
  }

  @Test(arguments: ["224.0.0.1", "255.255.255.255", "ff02::1", "::ffff:127.0.0.1"])
  func `an address of more hosts than one, or in another family's form, is refused`(_ text: String) {
    #expect(throws: SocketSource.Problem.unusable(text, reason: "it is the address of no single host")) {
      try SocketSource.list(text)
    }
  }

  @Test func `an address of another host is refused with the reason`() throws {
    do throws(SocketSource.Problem) {
      _ = try SocketSource.list("192.0.2.77")
      Issue.record("192.0.2.77 was taken")
    } catch {
      #expect(error.description.contains("192.0.2.77: bind: Cannot assign requested address"))
    }
  }

  @Test func `an address serves its own family, and a device all`() throws {
    let sources = try SocketSource.list("127.0.0.1,lo")
    #expect(sources[0].serves(.ipv4) && !sources[0].serves(.ipv6))
    #expect(sources[1].serves(.ipv4) && sources[1].serves(.ipv6))
  }
}
