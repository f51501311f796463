import ArgumentParser
import FetchModel
import PosixIO

/// What the options say about where connections go.
extension JobOptions {
  func addressingPolicy() throws -> AddressingPolicy {
    var policy = AddressingPolicy()
    policy.family = ipv4 ? .ipv4 : ipv6 ? .ipv6 : .any
    policy.resolveRules = try resolve.map(resolveRule)
    policy.connectToRules = try connectTo.map(connectToRule)
    return policy
  }

  private func resolveRule(_ argument: String) throws -> ResolveRule {
    let error = ValidationError("--resolve takes HOST:PORT:ADDRESS[,ADDRESS], not \(argument)")
    // curl's + lets an entry expire, and none does here.
    let parts = argument.drop { $0 == "+" }.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3, !parts[0].isEmpty else { throw error }
    let addresses = parts[2].split(separator: ",").map { part in
      part.hasPrefix("[") && part.hasSuffix("]") ? String(part.dropFirst().dropLast()) : String(part)
    }
    guard !addresses.isEmpty, addresses.allSatisfy({ SocketAddress(numeric: $0, port: 0) != nil }) else { throw error }
    return ResolveRule(
      host: parts[0] == "*" ? nil : try host(parts[0], of: "--resolve"),
      port: try port(parts[1], any: "*", error),
      addresses: addresses
    )
  }

  private func connectToRule(_ argument: String) throws -> ConnectToRule {
    let error = ValidationError("--connect-to takes HOST1:PORT1:HOST2:PORT2, not \(argument)")
    let parts = splitOutsideBrackets(argument)
    guard parts.count == 4 else { throw error }
    func anyOrHost(_ text: String) throws -> [UInt8]? {
      text.isEmpty || text == "*" ? nil : try host(text[...], of: "--connect-to")
    }
    return ConnectToRule(
      host: try anyOrHost(parts[0]),
      port: try port(parts[1][...], any: "", error),
      targetHost: try anyOrHost(parts[2]),
      targetPort: try port(parts[3][...], any: "", error)
    )
  }

  /// In the spelling of URLs' hosts, with which it is compared.
  private func host(_ text: Substring, of option: String) throws -> [UInt8] {
    do throws(URLProblem) {
      return try canonicalHost(Array(text.utf8)).host
    } catch {
      throw ValidationError("\(option): \(text) is no host: \(error)")
    }
  }

  private func splitOutsideBrackets(_ text: String) -> [String] {
    var parts = [""]
    var isInside = false
    for character in text {
      if character == "[" { isInside = true }
      if character == "]" { isInside = false }
      if character == ":", !isInside { parts.append("") } else { parts[parts.count - 1].append(character) }
    }
    return parts
  }

  private func port(_ text: Substring, any: String, _ error: ValidationError) throws -> UInt16? {
    if text == any || text == "*" { return nil }
    guard let number = UInt16(text), number > 0 else { throw error }
    return number
  }
}
