// The certificates that a listener shows by the client's server name, made when they are first asked for.

import COpenSSL
import COriginShims
import Synchronization

/// One context for each certificate case; on any thread.
final class CaseContexts: Sendable {
  private let authority: TestAuthority
  let policy: ServerPolicy
  private let contexts = Mutex<[String: ServerContext]>([:])

  init(_ authority: TestAuthority, highest: TLSVersion) {
    self.authority = authority
    var policy = ServerPolicy(highest: highest)
    policy.isWeak = true
    self.policy = policy
  }

  /// Goes on with the certificate of the case that the host `name` stands for; false if there is none. Inside the
  /// client hello callback, before the version is chosen.
  func select(_ name: String, _ connection: OpaquePointer) -> Bool {
    let suffix = ".\(CertificateCase.domain)"
    guard name.hasSuffix(suffix), let context = context(String(name.dropLast(suffix.count))) else { return false }
    SSL_set_SSL_CTX(connection, context.pointer)
    // TLS 1.3 has no signature that a key of 512 bits has room for.
    return name != "rsa512\(suffix)" || origin_set_highest_version(connection, TLS1_2_VERSION) == 1
  }

  private func context(_ name: String) -> ServerContext? {
    contexts.withLock { contexts in
      if let context = contexts[name] { return context }
      guard let wanted = CertificateCase.named(name), let credential = try? authority.issue(wanted) else { return nil }
      let context = try? ServerContext(credential, policy)
      contexts[name] = context
      return context
    }
  }
}
