import FetchClient
import FetchModel
import PosixIO
import Testing

@Suite struct AddressBookTests {
  private static func octets(_ text: String) -> [UInt8] { Array(text.utf8) }

  private static func addresses(
    _ policy: AddressingPolicy,
    _ host: String,
    _ port: UInt16 = 443
  ) -> [String]? {
    AddressBook(policy).addresses(host: octets(host), port: port)?.map(\.text)
  }

  private static func destination(_ policy: AddressingPolicy, _ host: String, _ port: UInt16) -> String {
    let (host, port) = AddressBook(policy).destination(host: octets(host), port: port)
    return "\(String(decoding: host, as: UTF8.self)):\(port)"
  }

  @Test func `a name without a rule has to be asked for`() {
    #expect(Self.addresses(AddressingPolicy(), "example.org") == nil)
    #expect(Self.addresses(AddressingPolicy(), "localhost.example.org") == nil)
    #expect(Self.addresses(AddressingPolicy(), "notlocalhost") == nil)
  }

  @Test func `a numeric host is its own address`() {
    #expect(Self.addresses(AddressingPolicy(), "192.0.2.7", 80) == ["192.0.2.7:80"])
    #expect(Self.addresses(AddressingPolicy(), "2001:db8::1", 80) == ["[2001:db8::1]:80"])
  }

  @Test(arguments: ["localhost", "a.localhost", "a.b.localhost"])
  func `localhost is loopback, whatever DNS says`(_ host: String) {
    var policy = AddressingPolicy()
    #expect(Self.addresses(policy, host, 8080) == ["127.0.0.1:8080", "[::1]:8080"])
    policy.family = .ipv6
    #expect(Self.addresses(policy, host, 8080) == ["[::1]:8080"])
  }

  @Test func `names that are invalid by definition are asked of nobody`() {
    for name in ["invalid", "a.invalid", "a.b.invalid."] { #expect(AddressBook.isInvalid(Self.octets(name))) }
    for name in ["invalid.test", "notinvalid", ""] { #expect(!AddressBook.isInvalid(Self.octets(name))) }
  }

  @Test func `addresses of another family than the one wanted are left out`() {
    var policy = AddressingPolicy()
    policy.family = .ipv4
    policy.resolveRules = [ResolveRule(host: Self.octets("a"), port: nil, addresses: ["::1", "192.0.2.1"])]
    #expect(Self.addresses(policy, "a") == ["192.0.2.1:443"])
    #expect(Self.addresses(policy, "::1") == [])
    policy.family = .ipv6
    #expect(Self.addresses(policy, "a") == ["[::1]:443"])
    #expect(Self.addresses(policy, "192.0.2.7") == [])
    #expect(AddressBook(policy).family == 6)
  }

  @Test func `the rule that says most about host and port gives the addresses, in its order`() {
    var policy = AddressingPolicy()
    policy.resolveRules = [
      ResolveRule(host: nil, port: nil, addresses: ["192.0.2.5"]),
      ResolveRule(host: Self.octets("a"), port: nil, addresses: ["192.0.2.3"]),
      ResolveRule(host: Self.octets("a"), port: 443, addresses: ["192.0.2.6"]),
      ResolveRule(host: Self.octets("a"), port: 443, addresses: ["192.0.2.2", "192.0.2.1"]),
      ResolveRule(host: nil, port: 8080, addresses: ["192.0.2.4"]),
    ]
    #expect(Self.addresses(policy, "a", 443) == ["192.0.2.2:443", "192.0.2.1:443"])
    #expect(Self.addresses(policy, "a", 8080) == ["192.0.2.3:8080"])
    #expect(Self.addresses(policy, "a.", 8080) == ["192.0.2.3:8080"])
    #expect(Self.addresses(policy, "b", 8080) == ["192.0.2.4:8080"])
    #expect(Self.addresses(policy, "b", 443) == ["192.0.2.5:443"])
  }

  @Test func `a rule for any host stands before localhost and numbers`() {
    var policy = AddressingPolicy()
    policy.resolveRules = [ResolveRule(host: nil, port: nil, addresses: ["192.0.2.9"])]
    for host in ["localhost", "192.0.2.1", "x"] { #expect(Self.addresses(policy, host) == ["192.0.2.9:443"]) }
  }

  @Test func `connections go elsewhere by the first rule that matches`() {
    var policy = AddressingPolicy()
    policy.connectToRules = [
      ConnectToRule(host: Self.octets("a"), port: 443, targetHost: Self.octets("b"), targetPort: 8443),
      ConnectToRule(host: Self.octets("a"), port: nil, targetHost: nil, targetPort: 1),
      ConnectToRule(host: nil, port: 80, targetHost: Self.octets("c"), targetPort: nil),
    ]
    #expect(Self.destination(policy, "a", 443) == "b:8443")
    #expect(Self.destination(policy, "a", 80) == "a:1")
    #expect(Self.destination(policy, "a.", 443) == "b:8443")
    #expect(Self.destination(policy, "x", 80) == "c:80")
    #expect(Self.destination(policy, "x", 443) == "x:443")
    // Rules are not applied to what a rule gave.
    #expect(Self.destination(policy, "b", 8443) == "b:8443")
  }
}
