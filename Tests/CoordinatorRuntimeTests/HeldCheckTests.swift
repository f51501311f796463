import CoordinatorRuntime
import FetchModel
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
    hello.job = bytes(job(1))
    hello.held = held
    return HeldCheck.holdings(hello, of: job(1))
  }

  private static func job(_ number: UInt8) -> [UInt8] { Array(repeating: number, count: 16) }

  private static func kept(_ job: [UInt8], _ rows: [UInt64] = [1]) -> WireKept {
    var kept = WireKept()
    kept.job = bytes(job)
    kept.rows = rows
    return kept
  }

  /// Of job 1, for an agent that works for job 2.
  private static func check(kept: [WireKept], held: [WireHeld] = [], job working: [UInt8] = job(2)) -> [Holding]? {
    var hello = WireHello()
    hello.connections = 8
    hello.job = bytes(working)
    hello.held = held
    hello.kept = kept
    return HeldCheck.holdings(hello, of: job(1))
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

  @Test func `of another job than the agent's own only what is kept of it is held`() {
    let under = Self.held(3, "https://localhost:443", 5, [1, 9])
    #expect(Self.check(kept: [], held: [under]) == [])
    #expect(Self.check(kept: [Self.kept(Self.job(3))], held: [under]) == [])
    let kept = [Self.kept(Self.job(3), [7]), Self.kept(Self.job(1), [2, 5])]
    let expected = [Holding(origin: 0, key: [], connections: 0, rows: [2, 5])]
    #expect(Self.check(kept: kept, held: [under]) == expected)
    #expect(Self.check(kept: kept, job: []) == expected)
    // Of its own job, what is held.
    let own = Self.check(kept: [Self.kept(Self.job(2))], held: [Self.held(0, "", 0, [4])], job: Self.job(1))
    #expect(own == [Holding(origin: 0, key: [], connections: 0, rows: [4])])
  }

  @Test func `what cannot be kept is refused, of whatever job it is`() {
    let most = (UInt8(3)..<19).map { Self.kept(Self.job($0)) }
    #expect(Self.check(kept: most) == [])
    #expect(Self.check(kept: most + [Self.kept(Self.job(1))]) == nil)
    #expect(Self.check(kept: [Self.kept([1, 2])]) == nil)
    #expect(Self.check(kept: [Self.kept([])]) == nil)
    #expect(Self.check(kept: [Self.kept(Self.job(1)), Self.kept(Self.job(1), [2])]) == nil)
    #expect(Self.check(kept: [Self.kept(Self.job(2))]) == nil)
    #expect(Self.check(kept: [Self.kept(Self.job(1), [])]) == nil)
    #expect(Self.check(kept: [Self.kept(Self.job(1), [3, 2])]) == nil)
    #expect(Self.check(kept: [Self.kept(Self.job(1), [2, 2])]) == nil)
    #expect(Self.check(kept: [Self.kept(Self.job(1), [RowSet.limit - 1])])?.first?.rows == [RowSet.limit - 1])
    #expect(Self.check(kept: [Self.kept(Self.job(1), [RowSet.limit])]) == nil)
    #expect(Self.check(kept: [], job: [1, 2, 3]) == nil)
    let half = UInt64(HelloLimits.keptRows / 2)
    let halves = [Self.kept(Self.job(1), Array(0..<half)), Self.kept(Self.job(3), Array(0..<half))]
    #expect(Self.check(kept: halves)?.first?.rows.count == Int(half))
    #expect(Self.check(kept: halves + [Self.kept(Self.job(4))]) == nil)
  }

  @Test func `what cannot be held is refused`() {
    let key = "https://localhost:443"
    #expect(Self.check([Self.held(0, key, 0)]) == nil)
    #expect(Self.check([Self.held(0, "", 1)]) == nil)
    #expect(Self.check([Self.held(1, key, 0)]) == nil)
    #expect(Self.check([Self.held(1, key, 9)]) == nil)
    #expect(Self.check([Self.held(1, key, 5), Self.held(2, "http://a:1", 4)]) == nil)
    #expect(Self.check([Self.held(1, key, 1), Self.held(2, key, 1)]) == nil)
    #expect(Self.check([Self.held(1, key, 1), Self.held(1, "http://a:1", 1)]) == nil)
    #expect(Self.check([Self.held(0, "", 0), Self.held(0, "", 0)]) == nil)
    #expect(Self.check([Self.held(0, "", 0, [RowSet.limit - 1])])?.first?.rows == [RowSet.limit - 1])
    #expect(Self.check([Self.held(0, "", 0, [RowSet.limit])]) == nil)
    #expect(Self.check([Self.held(0, "", 0, Array(0...UInt64(HeldCheck.maximumRows)))]) == nil)
    #expect(Self.check([Self.held(1, "https://\(String(repeating: "a", count: 600)):443", 1)]) == nil)
  }
}
