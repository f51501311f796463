/// Whether credentials that were sent to one URL may be sent to the next: only within one origin (the
/// WHATWG fetch standard's "HTTP-redirect fetch"). What was dropped once stays dropped, also on the way back; that
/// is the caller's to remember.
package func keepsCredentials(from current: HTTPURL, to next: HTTPURL) -> Bool { current.isSameOrigin(as: next) }

/// Whether a request field survives a redirect. Fields that carry credentials do so within one origin;
/// Proxy-Authorization never, it is meant for the next hop only (RFC 9110 section 11.7.2).
package func keepsField(named name: [UInt8], from current: HTTPURL, to next: HTTPURL) -> Bool {
  if equalsIgnoringCase(name, "proxy-authorization") { return false }
  return !isCredentialField(name) || keepsCredentials(from: current, to: next)
}

/// Whether a request field of this name carries credentials to the origin.
package func isCredentialField(_ name: [UInt8]) -> Bool {
  equalsIgnoringCase(name, "authorization") || equalsIgnoringCase(name, "cookie")
    || equalsIgnoringCase(name, "cookie2") || equalsIgnoringCase(name, "www-authenticate")
    || equalsIgnoringCase(name, "proxy-authorization")
}
