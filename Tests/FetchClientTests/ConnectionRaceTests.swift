import FetchClient
import FetchModel
import Glibc
import PosixIO
import Testing

@Suite struct ConnectionRaceTests {
  private static let six = address("2001:db8::1")
  private static let four = address("192.0.2.1")
  private static let other = address("192.0.2.2")
  private static let delay = ConnectionRace.attemptDelay

  private static func address(_ text: String) -> SocketAddress {
    guard let address = SocketAddress(numeric: text, port: 443) else { preconditionFailure("\(text) is no address") }
    return address
  }

  private static func at(_ nanoseconds: UInt64) -> Instant { Instant(nanoseconds: 1_000_000_000 + nanoseconds) }

  @Test func `the second address is tried a quarter of a second after the first, and no sooner`() {
    var race = ConnectionRace([Self.six, Self.four], isComplete: true)
    #expect(Self.delay == 250_000_000)
    #expect(race.begin(at: Self.at(0)) == 0)
    #expect(race.begin(at: Self.at(0)) == nil)
    #expect(race.nextDueAt == Self.at(Self.delay))
    #expect(race.begin(at: Self.at(Self.delay - 1)) == nil)
    #expect(race.begin(at: Self.at(Self.delay)) == 1)
    #expect(race.begin(at: Self.at(10 * Self.delay)) == nil)
    #expect(race.nextDueAt == .distantFuture && !race.isLost)
    #expect(race.report == "[2001:db8::1]:443: no answer; 192.0.2.1:443: no answer")
  }

  @Test func `after a failure the next address is tried at once`() {
    var race = ConnectionRace([Self.six, Self.four, Self.other], isComplete: true)
    #expect(race.begin(at: Self.at(0)) == 0)
    race.failed(0, ECONNREFUSED)
    #expect(race.begin(at: Self.at(1)) == 1)
    #expect(race.begin(at: Self.at(2)) == nil)
    // One that still runs does not hold the next up either.
    #expect(race.begin(at: Self.at(1 + Self.delay)) == 2)
  }

  @Test func `a failure while another attempt runs brings the next forward`() {
    var race = ConnectionRace([Self.six, Self.four, Self.other], isComplete: true)
    _ = race.begin(at: Self.at(0))
    _ = race.begin(at: Self.at(Self.delay))
    race.failed(0, ETIMEDOUT)
    #expect(race.begin(at: Self.at(Self.delay + 1)) == 2)
  }

  @Test func `it is lost when all have failed, with the causes of all`() {
    var race = ConnectionRace([Self.six, Self.four], isComplete: true)
    _ = race.begin(at: Self.at(0))
    race.failed(0, ENETUNREACH)
    #expect(!race.isLost)
    _ = race.begin(at: Self.at(0))
    race.failed(1, ECONNREFUSED)
    #expect(race.isLost && !race.lacksSomething)
    #expect(race.decisiveError == ECONNREFUSED, "a refusal says more than that there is no way")
    #expect(
      race.report == "[2001:db8::1]:443: Network is unreachable (errno 101); "
        + "192.0.2.1:443: Connection refused (errno 111)"
    )
  }

  @Test func `it waits for the other family's addresses, and takes each once`() {
    var race = ConnectionRace([Self.six], isComplete: false)
    _ = race.begin(at: Self.at(0))
    race.failed(0, ENETUNREACH)
    #expect(!race.isLost && race.nextDueAt == .distantFuture)
    race.complete([Self.four, Self.six])
    #expect(race.candidates == [Self.six, Self.four])
    #expect(race.nextDueAt == .zero)
    #expect(race.begin(at: Self.at(5)) == 1)
    race.failed(1, ECONNREFUSED)
    #expect(race.isLost)
  }

  @Test func `later addresses join a running race after its delay`() {
    var race = ConnectionRace([Self.six], isComplete: false)
    _ = race.begin(at: Self.at(0))
    race.complete([Self.six, Self.four])
    #expect(race.begin(at: Self.at(Self.delay - 1)) == nil)
    #expect(race.begin(at: Self.at(Self.delay)) == 1)
  }

  @Test func `a host that lacks something says nothing about the target`() {
    var race = ConnectionRace([Self.four, Self.other], isComplete: true)
    _ = race.begin(at: Self.at(0))
    race.failed(0, EMFILE, isLocal: true)
    _ = race.begin(at: Self.at(0))
    race.failed(1, ECONNREFUSED)
    #expect(race.isLost && race.lacksSomething)
  }

  @Test func `another race begins behind what kept silent`() {
    var race = ConnectionRace([Self.six, Self.four, Self.other], isComplete: true)
    _ = race.begin(at: Self.at(0))
    #expect(race.firstUntried == Self.four)
    _ = race.begin(at: Self.at(Self.delay))
    #expect(race.firstUntried == Self.other)
    _ = race.begin(at: Self.at(2 * Self.delay))
    #expect(race.firstUntried == Self.four)
    #expect(ConnectionRace([Self.six], isComplete: true).firstUntried == Self.six)
    var alone = ConnectionRace([Self.six], isComplete: true)
    _ = alone.begin(at: Self.at(0))
    #expect(alone.firstUntried == nil)
  }

  @Test func `of very many addresses the first ones are tried`() {
    let many = (0..<300).map { Self.address("192.0.2.\($0 % 250)") }
    var race = ConnectionRace(many, isComplete: false)
    #expect(race.candidates.count == 64)
    race.complete([Self.six])
    #expect(race.candidates.count == 64)
  }
}
