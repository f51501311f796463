package import FetchModel

/// The hosts that are reached without a proxy, compiled from what `--noproxy` lists; asked once per origin.
///
/// As with curl a name stands for itself and everything below it, dots at its ends count for nothing, names are
/// compared with names and addresses with addresses alone, and `*` stands for all if it is the only entry. Beyond curl
/// an IPv6 address may stand in brackets, and a network of 0 bits holds all addresses of its family.
package struct ProxyBypass: Equatable, Sendable {
  private struct Network: Equatable, Sendable {
    let octets: [UInt8]
    let bits: Int

    /// `octets` without what is behind the prefix.
    func contains(_ address: [UInt8]) -> Bool {
      guard address.count == octets.count else { return false }
      let whole = bits / 8
      guard address[..<whole] == octets[..<whole] else { return false }
      let rest = bits % 8
      return rest == 0 || (address[whole] ^ octets[whole]) >> UInt8(8 - rest) == 0
    }
  }

  private enum Entry {
    case name([UInt8])
    case network(Network)
  }

  private var holdsAll = false
  private var names: Set<[UInt8]> = []
  private var networks: [Network] = []

  /// Entries that can match nothing are passed over, as by curl; `problem` finds them.
  package init(_ entries: [String]) {
    holdsAll = entries == ["*"]
    for entry in entries {
      switch Self.entry(entry) {
      case .success(.name(let name)): names.insert(name)
      case .success(.network(let network)): networks.append(network)
      case .failure: break
      }
    }
  }

  /// The entries of a list that commas part, or white space: with that, versions of curl differ.
  package static func entries(of list: String) -> [String] {
    list.utf8.split { $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
      .map { String(decoding: $0, as: UTF8.self) }
  }

  /// Why an entry, beside others or alone, can match nothing; nil if it can.
  package static func problem(of entry: String, among count: Int) -> ProxyBypassProblem? {
    if entry == "*" { return count == 1 ? nil : .wildcardAmongOthers }
    switch Self.entry(entry) {
    case .success: return nil
    case .failure(let problem): return problem
    }
  }

  /// Whether a host, in the spelling of URLs' hosts, is reached without a proxy.
  package func contains(_ host: [UInt8], _ kind: HTTPURL.HostKind) -> Bool {
    if holdsAll { return true }
    if let address = addressOctets(ofHost: host, kind) { return networks.contains { $0.contains(address) } }
    guard !names.isEmpty else { return false }
    var rest = host[...]
    if rest.last == UInt8(ascii: ".") { rest.removeLast() }
    while true {
      if names.contains(Array(rest)) { return true }
      guard let dot = rest.firstIndex(of: UInt8(ascii: ".")) else { return false }
      rest = rest[(dot + 1)...]
    }
  }

  private static func entry(_ text: String) -> Result<Entry, ProxyBypassProblem> {
    var bytes = Array(text.utf8)[...]
    if let slash = bytes.firstIndex(of: UInt8(ascii: "/")) {
      return network(bytes[..<slash], prefix: bytes[(slash + 1)...])
    }
    if bytes.first == UInt8(ascii: ".") { bytes.removeFirst() }
    if bytes.last == UInt8(ascii: "."), bytes.count > 1 { bytes.removeLast() }
    do throws(URLProblem) {
      let (host, kind) = try canonicalHost(Array(bytes))
      guard let address = addressOctets(ofHost: host, kind) else { return .success(.name(host)) }
      return .success(.network(Network(octets: address, bits: address.count * 8)))
    } catch {
      return .failure(isHostWithPort(bytes) ? .port : .host)
    }
  }

  private static func network(
    _ text: ArraySlice<UInt8>,
    prefix: ArraySlice<UInt8>
  ) -> Result<Entry, ProxyBypassProblem> {
    guard !prefix.isEmpty, prefix.count <= 3, prefix.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }) else {
      return .failure(.network)
    }
    let bits = prefix.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
    do throws(URLProblem) {
      let (host, kind) = try canonicalHost(Array(text))
      guard let address = addressOctets(ofHost: host, kind), bits <= address.count * 8 else {
        return .failure(.network)
      }
      return .success(.network(Network(octets: address, bits: bits)))
    } catch {
      return .failure(.network)
    }
  }

  private static func isHostWithPort(_ text: ArraySlice<UInt8>) -> Bool {
    guard let colon = text.lastIndex(of: UInt8(ascii: ":")), colon > text.startIndex else { return false }
    let digits = text[(colon + 1)...]
    return !digits.isEmpty && digits.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
  }
}

/// Why an entry of a `--noproxy` list can match nothing.
package enum ProxyBypassProblem: Error, Equatable, Sendable, CustomStringConvertible {
  case wildcardAmongOthers
  case port
  case network
  case host

  package var description: String {
    switch self {
    case .wildcardAmongOthers: "* stands for all hosts only if it is alone"
    case .port: "a host is named without a port, and stands for all of its ports"
    case .network: "no network of the form ADDRESS/BITS"
    case .host: "no host name and no address"
    }
  }
}
