import PosixIO
import Testing

@Suite struct PortCapacityTests {
  private static func capacity(_ range: String, _ reserved: String = "\n", _ reuse: String = "2\n") throws
    -> PortCapacity
  {
    try #require(PortCapacity(range: range, reserved: reserved, reuse: reuse))
  }

  @Test func `a port rests for a minute, and each address has its own`() throws {
    let capacity = try Self.capacity("32768\t60999\n")
    #expect(capacity.ports == 28_232)
    #expect(capacity.connectionsPerSecond(sources: 0) == 470)
    #expect(capacity.connectionsPerSecond(sources: 4) == 1882)
    #expect(capacity.line(sources: 0).contains("about 470 new connections a second to one target (28232 ports, "))
    #expect(capacity.line(sources: 4).contains("28232 ports at each of 4 addresses"))
  }

  @Test func `the kernel may give it again after a second`() throws {
    #expect(try Self.capacity("32768 60999", "", "1\n").connectionsPerSecond(sources: 1) == 28_232)
    #expect(try Self.capacity("32768 60999", "", "0\n").connectionsPerSecond(sources: 1) == 470)
  }

  @Test func `reserved ports are not given`() throws {
    #expect(try Self.capacity("1000 1999", "8080,1000-1099,1500,1990-2100\n").ports == 1000 - 100 - 1 - 10)
    #expect(try Self.capacity("1000 1000", "1-65535").ports == 0)
  }

  @Test(arguments: ["", "1000", "a b", "2 1", "1 2 3"])
  func `what is no range is not guessed at`(_ range: String) {
    #expect(PortCapacity(range: range, reserved: "", reuse: "") == nil)
  }

  @Test func `this host has some`() throws {
    #expect(try #require(PortCapacity.ofThisHost()).ports > 0)
  }
}
