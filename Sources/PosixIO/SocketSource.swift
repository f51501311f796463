import CLinux
import Glibc

/// Where connections leave from instead of where the kernel would choose: an address of this host, or a device.
package enum SocketSource: Hashable, Sendable, CustomStringConvertible {
  /// Its port is 0.
  case address(SocketAddress)
  case device(String)

  /// An `--interface` list, such as "192.0.2.1,192.0.2.2" or "eth1".
  package enum Problem: Error, Equatable, Sendable, CustomStringConvertible {
    case unknown(String)
    case unusable(String, reason: String)

    package var description: String {
      switch self {
      case .unknown(let text): "--interface: \(text) is neither an address nor a network device of this host"
      case .unusable(let text, let reason): "--interface: connections cannot leave from \(text): \(reason)"
      }
    }
  }

  /// Reads and tries out what stands between the commas. A device that this process may not bind to (socket(7),
  /// SO_BINDTODEVICE) is replaced by its addresses.
  package static func list(_ text: String) throws(Problem) -> [SocketSource] {
    var sources: [SocketSource] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let entry = String(part.filter { $0 != "[" && $0 != "]" && $0 != " " })
      if let address = SocketAddress(numeric: entry, port: 0) {
        guard address.canBeSource else { throw .unusable(entry, reason: "it is the address of no single host") }
        try tryOut(.address(address), entry)
        sources.append(.address(address))
      } else if !entry.isEmpty, if_nametoindex(entry) != 0 {
        sources += try ofDevice(entry)
      } else {
        throw .unknown(entry)
      }
    }
    return sources
  }

  private static func ofDevice(_ name: String) throws(Problem) -> [SocketSource] {
    do throws(SystemError) {
      let socket = try StreamSocket(family: .ipv4)
      try socket.bind(to: .device(name))
      return [.device(name)]
    } catch {
      guard error.number == EPERM else { throw .unusable(name, reason: error.description) }
      let addresses = addresses(ofDevice: name)
      guard !addresses.isEmpty else {
        throw .unusable(name, reason: "it has no address, and binding to the device itself needs CAP_NET_RAW")
      }
      return addresses.map { .address($0) }
    }
  }

  private static func tryOut(_ source: SocketSource, _ text: String) throws(Problem) {
    guard case .address(let address) = source else { return }
    do throws(SystemError) {
      let socket = try StreamSocket(family: address.family)
      try socket.bind(to: source)
    } catch {
      throw .unusable(text, reason: error.description)
    }
  }

  /// Link-local ones left out: they lead nowhere but to the next host (RFC 4291 section 2.5.6).
  private static func addresses(ofDevice name: String) -> [SocketAddress] {
    var list: UnsafeMutablePointer<ifaddrs>?
    guard getifaddrs(&list) == 0 else { return [] }
    defer { freeifaddrs(list) }
    var addresses: [SocketAddress] = []
    var next = list
    while let entry = next {
      next = entry.pointee.ifa_next
      guard String(cString: entry.pointee.ifa_name) == name, let pointer = entry.pointee.ifa_addr,
        let address = SocketAddress(pointer, port: 0), address.scope == 0
      else { continue }
      addresses.append(address)
    }
    return addresses
  }

  /// Whether a connection to an address of that family can leave from here.
  package func serves(_ family: SocketAddress.Family) -> Bool {
    switch self {
    case .address(let address): address.family == family
    case .device: true
    }
  }

  package var description: String {
    switch self {
    case .address(let address): address.addressText
    case .device(let name): name
    }
  }
}

extension SocketAddress {
  /// Neither multicast, nor broadcast, nor IPv4 in the form of IPv6 (RFC 4291 section 2.5.5.2), which bind(2) takes.
  fileprivate var canBeSource: Bool {
    switch family {
    case .ipv4: address[0] < 224
    case .ipv6: address[0] != 0xFF && !address.starts(with: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF])
    }
  }
}
