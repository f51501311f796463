import FetchClient
import FetchModel
import PosixIO
import Testing

@Suite struct DialingPolicyTests {
  private static func addresses(_ texts: String...) -> [SocketAddress] {
    texts.compactMap { SocketAddress(numeric: $0, port: 443) }
  }

  @Test func `other ports than those allowed are refused`() {
    var policy = DialingPolicy()
    #expect(policy.refusal(ofPort: 22) == nil)
    policy.allowedPorts = PortRanges("80,8000-8099")
    #expect(policy.refusal(ofPort: 80) == nil && policy.refusal(ofPort: 8099) == nil)
    #expect(policy.refusal(ofPort: 8100)?.contains("8100") == true)
  }

  @Test func `without a guard every address may be tried`() {
    let all = Self.addresses("127.0.0.1", "8.8.8.8", "::1")
    let screen = AddressScreen(all, DialingPolicy(), staysGlobal: false)
    #expect(screen.permitted == all && screen.refusal == nil)
  }

  @Test(arguments: [true, false])
  func `of mixed answers the global addresses remain`(_ byAgent: Bool) {
    var policy = DialingPolicy()
    policy.deniesPrivate = byAgent
    let screen = AddressScreen(Self.addresses("127.0.0.1", "8.8.8.8", "::1"), policy, staysGlobal: !byAgent)
    #expect(screen.permitted == Self.addresses("8.8.8.8") && screen.refusal == nil)
  }

  @Test func `the refusal names the addresses and what refuses them`() {
    var policy = DialingPolicy()
    let redirect = AddressScreen(Self.addresses("10.0.0.1", "::1"), policy, staysGlobal: true)
    #expect(redirect.permitted.isEmpty)
    #expect(redirect.refusal?.hasPrefix("10.0.0.1, ::1 ") == true)
    #expect(redirect.refusal?.contains("--redirects-to-private") == true)
    policy.deniesPrivate = true
    let agent = AddressScreen(Self.addresses("10.0.0.1"), policy, staysGlobal: true)
    #expect(agent.refusal?.contains("--deny-private") == true)
  }

  @Test func `no address is not a refusal`() {
    let screen = AddressScreen([], DialingPolicy(), staysGlobal: true)
    #expect(screen.permitted.isEmpty && screen.refusal == nil)
  }
}
