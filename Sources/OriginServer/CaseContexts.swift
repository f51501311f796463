// The certificates that a listener shows by the client's server name, made when they are first asked for.

import COpenSSL
import COriginShims
import Synchronization

/// One context for each certificate case; on any thread.
///
/// Tickets are the listener's, whatever the case: who mixes hosts up could resume. A ticket of TLS 1.3 that is shown
/// twice ends the handshake (RFC 8446 appendix C.4 leaves that to the server).
final class CaseContexts: Sendable {
  /// Tickets remembered; beyond it the listener takes any.
  private static let ticketLimit = 100_000

  let policy: ServerPolicy
  private let authority: TestAuthority
  private let contexts = Mutex<[String: ServerContext]>([:])
  private let shownTickets = Mutex<Set<[UInt8]>>([])

  init(_ authority: TestAuthority, highest: TLSVersion) {
    self.authority = authority
    var policy = ServerPolicy(highest: highest)
    policy.isWeak = true
    self.policy = policy
  }

  /// Goes on with the certificate of the case that the host stands for; the alert to send if there is none. Inside the
  /// client hello callback, before the version is chosen.
  func select(_ hello: ClientHello, _ connection: OpaquePointer) -> Int32? {
    let suffix = ".\(CertificateCase.domain)"
    guard let name = hello.serverName, name.hasSuffix(suffix),
      let context = context(String(name.dropLast(suffix.count)))
    else { return SSL_AD_UNRECOGNIZED_NAME }
    guard isFirstUse(hello) else { return SSL_AD_ILLEGAL_PARAMETER }
    SSL_set_SSL_CTX(connection, context.pointer)
    // The versions stay the connection's own (SSL_set_SSL_CTX in ssl_lib.c).
    return origin_set_highest_version(connection, context.highest.number) == 1 ? nil : SSL_AD_INTERNAL_ERROR
  }

  private func isFirstUse(_ hello: ClientHello) -> Bool {
    guard hello[.preSharedKey] != nil, let ticket = hello.resumptionOffer else { return true }
    return shownTickets.withLock { $0.count >= Self.ticketLimit || $0.insert(ticket).inserted }
  }

  private func context(_ name: String) -> ServerContext? {
    contexts.withLock { contexts in
      if let context = contexts[name] { return context }
      guard let wanted = CertificateCase.named(name), let credential = try? authority.issue(wanted) else { return nil }
      var policy = policy
      policy.highest = min(policy.highest, wanted.highestVersion)
      let context = try? ServerContext(credential, policy)
      contexts[name] = context
      return context
    }
  }
}
