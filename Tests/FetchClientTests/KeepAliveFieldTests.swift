import FetchClient
import Testing

@Suite struct KeepAliveFieldTests {
  private static func timeout(_ text: String) -> UInt64? { KeepAliveField.timeout(Array(text.utf8).span) }

  @Test func `the time-out is found among the parameters`() {
    #expect(Self.timeout("timeout=5") == 5)
    #expect(Self.timeout("timeout=5, max=100") == 5)
    #expect(Self.timeout("max=100,Timeout = 20") == 20)
    #expect(Self.timeout("timeout=0") == 0)
  }

  @Test(arguments: [
    "", "5", "max=5", "timeout", "timeout=", "timeout=x", "timeout=-1", "timeout=1.5", "xtimeout=5", "timeouts=5",
    "timeout=99999999999999999999",
  ])
  func `what is no number of seconds says nothing`(_ text: String) {
    #expect(Self.timeout(text) == nil)
  }

  @Test func `a connection is given up before its server does so`() {
    let second: UInt64 = 1_000_000_000
    func lifetime(_ announced: UInt64?) -> UInt64 {
      KeepAliveField.idleLifetime(announced: announced, longest: 15 * second)
    }
    #expect(lifetime(nil) == 15 * second)
    #expect(lifetime(5) == 4 * second)
    #expect(lifetime(1) == second / 2)
    #expect(lifetime(0) == 0)
    #expect(lifetime(.max) == 15 * second)
  }
}
