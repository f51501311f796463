import ArgumentParser
import Foundation

/// A place to listen at, and whether only this host can reach it.
struct ListenEndpoint {
  /// As ZeroMQ takes it.
  let text: String
  let isPrivate: Bool

  init(_ argument: String) throws {
    if argument.hasPrefix("ipc://"), argument.count > 6 {
      text = argument
      isPrivate = true
      return
    }
    let parts = argument.hasPrefix("tcp://") ? argument.dropFirst(6) : ""
    guard let colon = parts.lastIndex(of: ":"), colon > parts.startIndex else {
      throw ValidationError("--listen takes tcp://HOST:PORT or ipc://PATH, not \(argument)")
    }
    let port = parts[parts.index(after: colon)...]
    guard port == "*" || UInt16(port) != nil else {
      throw ValidationError("--listen: \(port) is no port")
    }
    // libzmq binds to numeric addresses and interface names only.
    let host = parts[..<colon] == "localhost" ? "127.0.0.1" : String(parts[..<colon])
    text = "tcp://\(host):\(port)"
    isPrivate = Self.isLoopback(host)
  }

  /// A numeric loopback address; names and interfaces could be anything.
  private static func isLoopback(_ host: String) -> Bool {
    if host == "[::1]" || host == "::1" { return true }
    var address = in_addr()
    return inet_pton(AF_INET, host, &address) == 1 && UInt32(bigEndian: address.s_addr) >> 24 == 127
  }
}

/// Refuses an address that others can reach if nothing protects it.
func checkReach(of endpoint: ListenEndpoint, insecurePlaintext: Bool) throws {
  guard endpoint.isPrivate || insecurePlaintext else {
    throw ValidationError(
      "\(endpoint.text) can be reached from other hosts, and nothing is encrypted yet: "
        + "listen on 127.0.0.1, or add --insecure-plaintext if the network is yours alone"
    )
  }
}
