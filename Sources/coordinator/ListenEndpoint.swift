import ArgumentParser
import Foundation
import Keys

/// A place to listen at, and whether only this host can reach it.
struct ListenEndpoint {
  /// As ZeroMQ takes it.
  let text: String
  let isPrivate: Bool
  private let isLocal: Bool

  init(_ argument: String) throws {
    if argument.hasPrefix("ipc://"), argument.count > 6 {
      text = argument
      isPrivate = true
      isLocal = true
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
    isLocal = false
  }

  /// Whether it may be listened there. `keys`: the folder that was named, if one was.
  func check(keys: String?, isPlaintextAccepted: Bool) throws {
    if isLocal, keys != nil { throw ValidationError("ipc:// has no keys; leave --keys out") }
    guard keys != nil || isPrivate || isPlaintextAccepted else {
      throw ValidationError(
        "\(text) can be reached from other hosts: add --keys DIR (made by coordinator keygen), "
          + "or --insecure-plaintext if the network is yours alone"
      )
    }
    if keys != nil, isPlaintextAccepted {
      throw ValidationError("--keys and --insecure-plaintext exclude each other")
    }
  }

  /// Reads the keys of a folder, if one was named.
  static func readKeys(_ folder: String?) throws(KeyError) -> CoordinatorKeys? {
    guard let folder else { return nil }
    return try CoordinatorKeys(reading: folder)
  }

  /// A numeric loopback address; names and interfaces could be anything.
  private static func isLoopback(_ host: String) -> Bool {
    if host == "[::1]" || host == "::1" { return true }
    var address = in_addr()
    return inet_pton(AF_INET, host, &address) == 1 && UInt32(bigEndian: address.s_addr) >> 24 == 127
  }
}
