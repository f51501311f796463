package import FetchModel
package import PosixIO

/// What an agent's own command line lets its connections reach: it narrows what jobs ask for. Immutable.
package struct DialingPolicy: Equatable, Sendable {
  /// No connection to an address that is not global, whatever name led there. A proxy's own address is the job's
  /// choice, and not looked at.
  package var deniesPrivate = false
  /// nil for all.
  package var allowedPorts: PortRanges?
  /// Where connections leave from, in turn; empty where the kernel chooses.
  package var sources: [SocketSource] = []

  /// Everything may be reached.
  package init() {}

  /// Why no address at that port may be tried; nil if some may.
  package func refusal(ofPort port: UInt16) -> String? {
    guard let allowedPorts, !allowedPorts.contains(port) else { return nil }
    return "port \(port) is none of those that this agent may connect to (--allow-ports)"
  }
}

/// Which of a name's addresses may be tried. Pure: what it looks at is what connect(2) is given, so a name that
/// resolves anew cannot lead elsewhere.
package struct AddressScreen: Equatable, Sendable {
  package let permitted: [SocketAddress]
  /// Why there are none, naming those that were refused; nil if there are some, or were none to begin with.
  package let refusal: String?

  /// `staysGlobal`: a redirect from a global address must not lead to another kind.
  package init(_ addresses: [SocketAddress], _ policy: DialingPolicy, staysGlobal: Bool) {
    guard policy.deniesPrivate || staysGlobal else {
      permitted = addresses
      refusal = nil
      return
    }
    permitted = addresses.filter { isGlobalAddress($0.address) }
    guard permitted.isEmpty, !addresses.isEmpty else {
      refusal = nil
      return
    }
    let list = addresses.map(\.addressText).joined(separator: ", ")
    refusal =
      policy.deniesPrivate
      ? "\(list) is not global, and this agent connects to no other address (--deny-private)"
      : "\(list) is not global, and the redirect comes from an address that is (--redirects-to-private allows it)"
  }
}
