import CoordinatorRuntime
import Scheduling
import Testing
import WireProtocol

@Suite struct HeldCheckTests {
  private static func held(_ origin: UInt32, _ key: String, _ connections: UInt32, _ rows: [UInt64] = []) -> WireHeld {
    var held = WireHeld()
    held.origin = origin
    held.key = bytes(Array(key.utf8))
    held.connections = connections
    held.rows = rows
    return held
  }

  private static func check(_ held: [WireHeld], connections: UInt32 = 8) -> [Holding]? {
    var hello = WireHello()
    hello.connections = connections
    hello.held = held
    return HeldCheck.holdings(hello)
  }

  @Test func `what an agent may hold is taken as it is`() {
    #expect(Self.check([]) == [])
    let found = Self.check([
      Self.held(3, "https://localhost:443", 5, [1, 9]), Self.held(1, "http://[::1]:80", 3), Self.held(0, "", 0, [2]),
    ])
    #expect(
      found == [
        Holding(origin: 3, key: Array("https://localhost:443".utf8), connections: 5, rows: [1, 9]),
        Holding(origin: 1, key: Array("http://[::1]:80".utf8), connections: 3, rows: []),
        Holding(origin: 0, key: [], connections: 0, rows: [2]),
      ]
    )
  }

  @Test(arguments: [
    "", "localhost", "https://localhost", "https://LOCALHOST:443", "https://localhost:443/", "ftp://x:1",
  ])
  func `an origin has its canonical spelling`(_ key: String) {
    #expect(Self.check([Self.held(3, key, 1)]) == nil)
  }

  @Test func `what cannot be is refused`() {
    let key = "https://localhost:443"
    #expect(Self.check([Self.held(0, key, 0)]) == nil)
    #expect(Self.check([Self.held(0, "", 1)]) == nil)
    #expect(Self.check([Self.held(1, key, 0)]) == nil)
    #expect(Self.check([Self.held(1, key, 9)]) == nil)
    #expect(Self.check([Self.held(1, key, 5), Self.held(2, "http://a:1", 4)]) == nil)
    #expect(Self.check([Self.held(1, key, 1), Self.held(2, key, 1)]) == nil)
    #expect(Self.check([Self.held(1, key, 1), Self.held(1, "http://a:1", 1)]) == nil)
    #expect(Self.check([Self.held(0, "", 0), Self.held(0, "", 0)]) == nil)
    #expect(Self.check([Self.held(0, "", 0, [.max])]) == nil)
    #expect(Self.check([Self.held(0, "", 0, Array(0...UInt64(HeldCheck.maximumRows)))]) == nil)
    #expect(Self.check([Self.held(1, "https://\(String(repeating: "a", count: 600)):443", 1)]) == nil)
  }
}
