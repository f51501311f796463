/// Why a row failed: the closed list that records, counters and `summary.json` share.
///
/// Raw values travel in result blocks and stand in `results.idx`: never renumber, only append.
package enum FailureCode: UInt8, CaseIterable, Sendable {
  case invalidURL = 1
  case invalidRequest = 2
  case invalidJSON = 3
  case lineTooLong = 4

  case dnsNotFound = 10
  case dnsNoAddress = 11
  case dnsServfail = 12
  case dnsTimeout = 13

  case connectRefused = 20
  case connectTimeout = 21
  case connectUnreachable = 22

  case tlsTimeout = 30
  case tlsCertificateExpired = 31
  case tlsCertificateNotYetValid = 32
  case tlsCertificateUntrusted = 33
  case tlsCertificateInvalid = 34
  case tlsHostnameMismatch = 35
  case tlsPinMismatch = 36
  case tlsAlert = 37
  case tlsHandshakeFailed = 38

  case sendTimeout = 50
  case firstByteTimeout = 51
  case idleTimeout = 52
  case tooSlow = 53
  case timeoutTotal = 54
  case reset = 55
  case closedBeforeResponse = 56
  case closedEarly = 57
  case malformedResponse = 58
  case headTooLarge = 59
  case contentEncodingInvalid = 60
  case decodedTooLarge = 61

  case tooManyRedirects = 70
  case redirectLoop = 71
  case redirectInvalid = 72
  case redirectDowngrade = 73

  case addressBlocked = 80
  case robotsDisallowed = 81
  case originDown = 82

  case agentLost = 90

  /// The code as records, counters and the summary spell it.
  package var name: StaticString {
    switch self {
    case .invalidURL: "invalid_url"
    case .invalidRequest: "invalid_request"
    case .invalidJSON: "invalid_json"
    case .lineTooLong: "line_too_long"
    case .dnsNotFound: "dns_not_found"
    case .dnsNoAddress: "dns_no_address"
    case .dnsServfail: "dns_servfail"
    case .dnsTimeout: "dns_timeout"
    case .connectRefused: "connect_refused"
    case .connectTimeout: "connect_timeout"
    case .connectUnreachable: "connect_unreachable"
    case .tlsTimeout: "tls_timeout"
    case .tlsCertificateExpired: "tls_certificate_expired"
    case .tlsCertificateNotYetValid: "tls_certificate_not_yet_valid"
    case .tlsCertificateUntrusted: "tls_certificate_untrusted"
    case .tlsCertificateInvalid: "tls_certificate_invalid"
    case .tlsHostnameMismatch: "tls_hostname_mismatch"
    case .tlsPinMismatch: "tls_pin_mismatch"
    case .tlsAlert: "tls_alert"
    case .tlsHandshakeFailed: "tls_handshake_failed"
    case .sendTimeout: "send_timeout"
    case .firstByteTimeout: "first_byte_timeout"
    case .idleTimeout: "idle_timeout"
    case .tooSlow: "too_slow"
    case .timeoutTotal: "timeout_total"
    case .reset: "reset"
    case .closedBeforeResponse: "closed_before_response"
    case .closedEarly: "closed_early"
    case .malformedResponse: "malformed_response"
    case .headTooLarge: "head_too_large"
    case .contentEncodingInvalid: "content_encoding_invalid"
    case .decodedTooLarge: "decoded_too_large"
    case .tooManyRedirects: "too_many_redirects"
    case .redirectLoop: "redirect_loop"
    case .redirectInvalid: "redirect_invalid"
    case .redirectDowngrade: "redirect_downgrade"
    case .addressBlocked: "address_blocked"
    case .robotsDisallowed: "robots_disallowed"
    case .originDown: "origin_down"
    case .agentLost: "agent_lost"
    }
  }

  /// Whether the same request may well succeed later.
  package var isRetryable: Bool {
    switch self {
    case .dnsServfail, .dnsTimeout, .connectRefused, .connectTimeout, .connectUnreachable, .tlsTimeout,
      .sendTimeout, .firstByteTimeout, .idleTimeout, .tooSlow, .timeoutTotal, .reset, .closedBeforeResponse,
      .closedEarly, .originDown, .agentLost:
      true
    case .invalidURL, .invalidRequest, .invalidJSON, .lineTooLong, .dnsNotFound, .dnsNoAddress,
      .tlsCertificateExpired, .tlsCertificateNotYetValid, .tlsCertificateUntrusted, .tlsCertificateInvalid,
      .tlsHostnameMismatch, .tlsPinMismatch, .tlsAlert, .tlsHandshakeFailed, .malformedResponse, .headTooLarge,
      .contentEncodingInvalid, .decodedTooLarge, .tooManyRedirects, .redirectLoop, .redirectInvalid,
      .redirectDowngrade, .addressBlocked, .robotsDisallowed:
      false
    }
  }

  /// Whether the request of the failed hop may have reached its server: of one that must not be sent twice nobody knows
  /// then what became of it.
  package var mayComeAfterSending: Bool {
    switch self {
    case .tlsAlert, .sendTimeout, .firstByteTimeout, .idleTimeout, .tooSlow, .timeoutTotal, .reset,
      .closedBeforeResponse, .closedEarly, .malformedResponse, .headTooLarge, .contentEncodingInvalid, .decodedTooLarge,
      .tooManyRedirects,
      .redirectLoop, .redirectInvalid, .redirectDowngrade, .agentLost:
      true
    case .invalidURL, .invalidRequest, .invalidJSON, .lineTooLong, .dnsNotFound, .dnsNoAddress, .dnsServfail,
      .dnsTimeout, .connectRefused, .connectTimeout, .connectUnreachable, .tlsTimeout, .tlsCertificateExpired,
      .tlsCertificateNotYetValid, .tlsCertificateUntrusted, .tlsCertificateInvalid, .tlsHostnameMismatch,
      .tlsPinMismatch, .tlsHandshakeFailed, .addressBlocked, .robotsDisallowed, .originDown:
      false
    }
  }
}

/// The step of an attempt in which it failed.
package enum FailurePhase: UInt8, CaseIterable, Sendable {
  case input = 1
  case dns, connect, tls, send, head, body, redirect, policy, local, cluster

  /// The phase as records spell it.
  package var name: StaticString {
    switch self {
    case .input: "input"
    case .dns: "dns"
    case .connect: "connect"
    case .tls: "tls"
    case .send: "send"
    case .head: "head"
    case .body: "body"
    case .redirect: "redirect"
    case .policy: "policy"
    case .local: "local"
    case .cluster: "cluster"
    }
  }
}

/// A failed attempt as it stands in a record.
package struct FetchFailure: Equatable, Sendable {
  package var phase: FailurePhase
  package var code: FailureCode
  /// What happened, with names and numbers, for a person; holds no secret.
  package var message: String

  package init(_ code: FailureCode, in phase: FailurePhase, _ message: String) {
    self.phase = phase
    self.code = code
    self.message = message
  }
}
