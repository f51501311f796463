import FetchModel
import Testing

@Suite struct GlobalAddressTests {
  private static func octets(_ text: String) -> [UInt8] {
    if text.contains(".") { return text.split(separator: ".").compactMap { UInt8($0) } }
    let halves = text.split(separator: "::", maxSplits: 1, omittingEmptySubsequences: false)
    func pieces(_ half: Substring) -> [UInt8] {
      half.split(separator: ":").compactMap { UInt16($0, radix: 16) }.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
    }
    let front = pieces(halves[0])
    let back = halves.count > 1 ? pieces(halves[1]) : []
    return front + [UInt8](repeating: 0, count: 16 - front.count - back.count) + back
  }

  @Test(arguments: [
    "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
    "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.0.3.0", "192.88.98.255",
    "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "198.51.101.0", "203.0.112.255", "203.0.114.0",
    "223.255.255.255",
    "2600::1", "2001:200::1", "2001:db7::1", "2001:db9::1", "2a00:1450::1", "3ffe::1", "3fff:1000::1",
    // An IPv4 address in another form.
    "::ffff:808:808", "64:ff9b::808:808", "2002:808:808::1",
  ])
  func `belongs to the open internet`(_ text: String) {
    #expect(isGlobalAddress(Self.octets(text)))
  }

  @Test(arguments: [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.255.255",
    "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.0.1",
    "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1",
    "255.255.255.255",
    "::", "::1", "::7f00:1", "::808:808", "64:ff9b:1::1", "100::1", "2001::1", "2001:1ff::1", "2001:db8::1", "3fff::1",
    "3fff:fff::1", "4000::1", "5f00::1", "fc00::1", "fd12:3456::1", "fe80::1", "fec0::1", "ff02::1",
    "::ffff:7f00:1", "::ffff:a9fe:a9fe", "64:ff9b::a00:1", "2002:7f00:1::1", "2002:c0a8:1::1",
  ])
  func `does not`(_ text: String) {
    #expect(!isGlobalAddress(Self.octets(text)))
  }

  @Test func `nothing else is an address`() {
    #expect(!isGlobalAddress([]) && !isGlobalAddress([8, 8, 8]) && !isGlobalAddress(Array(repeating: 0x20, count: 17)))
  }
}
