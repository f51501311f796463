/// Whether credentials that were sent to one URL may be sent to the next: only within one origin (the
/// WHATWG fetch standard's "HTTP-redirect fetch"). What was dropped once stays dropped, also on the way back; that
/// is the caller's to remember.
package func keepsCredentials(from current: HTTPURL, to next: HTTPURL) -> Bool { current.isSameOrigin(as: next) }

/// Whether a request field of this name carries credentials, or speaks of them.
package func isCredentialField(_ name: [UInt8]) -> Bool {
  equalsIgnoringCase(name, "authorization") || equalsIgnoringCase(name, "cookie")
    || equalsIgnoringCase(name, "cookie2") || equalsIgnoringCase(name, "www-authenticate")
    || equalsIgnoringCase(name, "proxy-authorization")
}
