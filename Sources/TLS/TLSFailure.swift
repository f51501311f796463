import COpenSSL
package import FetchModel
import Glibc

/// Why a TLS connection cannot go on. The peer's or the network's fault, so a value and not a trap.
package enum TLSFailure: Error, Equatable, Sendable {
  /// Verification refused the chain or the name: X509_V_ERR_* code, the certificate's depth (0 is the
  /// server's own), OpenSSL's text (openssl-verification-options(1)).
  case certificate(code: Int, depth: Int, reason: String)
  /// The server's public key is none of those that were pinned; its digest as `PublicKeyDigest.text`.
  case pinMismatch(found: String)
  /// The peer sent a fatal alert (RFC 8446 section 6.2).
  case alert(description: String)
  /// The handshake or the record layer broke in another way; OpenSSL's text.
  case protocolError(String)
  /// A system call failed below TLS.
  case system(errno: Int32)
  /// The peer ended the TCP stream without close_notify.
  case unexpectedEnd
}

/// The error queue of this thread, emptied into a value. Valid only directly after the failed call.
enum ErrorQueue {
  /// Empties the queue, as every call that may fail needs it (SSL_get_error(3)). It nearly always is empty, and to
  /// look costs a tenth of clearing it.
  static func clear() { if ERR_peek_error() != 0 { ERR_clear_error() } }

  /// Reading and writing find it empty, because whatever may leave something clears it afterwards: to look costs as
  /// much as encoding a request.
  static func assertEmpty() { assert(ERR_peek_error() == 0, "an earlier call has left something in the error queue") }

  static func takeFailure(systemError: Int32, isSystemCall: Bool) -> TLSFailure {
    let first = ERR_get_error()
    defer { ERR_clear_error() }
    guard first != 0 else {
      if isSystemCall { return systemError == 0 ? .unexpectedEnd : .system(errno: systemError) }
      return .protocolError("no error given")
    }
    let reason = trawl_ERR_get_reason(first)
    let isOfTLS = trawl_ERR_get_library(first) == ERR_LIB_SSL
    if isOfTLS, reason == SSL_R_UNEXPECTED_EOF_WHILE_READING { return .unexpectedEnd }
    let text = ERR_reason_error_string(first).map { String(cString: $0) } ?? "error \(first)"
    // Reasons of received alerts are SSL_AD_REASON_OFFSET (1000) plus the alert's number (ssl.h).
    if isOfTLS, reason >= SSL_AD_REASON_OFFSET {
      return .alert(description: "\(text) (\(reason - SSL_AD_REASON_OFFSET))")
    }
    return .protocolError(text)
  }

  /// The texts of everything in the queue, for failures of set-up.
  static func takeText() -> String {
    var texts: [String] = []
    while true {
      let code = ERR_get_error()
      if code == 0 { break }
      texts.append(ERR_reason_error_string(code).map { String(cString: $0) } ?? "error \(code)")
    }
    return texts.isEmpty ? "no reason given" : texts.joined(separator: "; ")
  }
}

/// The kinds of X509_V_ERR_* codes that a user tells apart.
package enum TLSCertificateProblem: Equatable, Sendable {
  case expired, notYetValid, untrusted, wrongName, invalid

  package init(code: Int) {
    switch Int32(code) {
    case X509_V_ERR_CERT_HAS_EXPIRED: self = .expired
    case X509_V_ERR_CERT_NOT_YET_VALID: self = .notYetValid
    case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH: self = .wrongName
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
      X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
      X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_CERT_UNTRUSTED:
      self = .untrusted
    default: self = .invalid
    }
  }

  package var failureCode: FailureCode {
    switch self {
    case .expired: .tlsCertificateExpired
    case .notYetValid: .tlsCertificateNotYetValid
    case .untrusted: .tlsCertificateUntrusted
    case .wrongName: .tlsHostnameMismatch
    case .invalid: .tlsCertificateInvalid
    }
  }
}
