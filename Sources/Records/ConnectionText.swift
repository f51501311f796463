/// What the records of a connection say about it, rendered: `,"remote_ip":…,"reused":…,"tls":{…}`.
///
/// A third of a short record, and the same for all but the first of a connection's: made twice a connection, not once
/// a record.
package struct ConnectionText: Equatable, Sendable {
  let bytes: [UInt8]

  /// `remoteIP`: the peer's address in numbers. `reused`: whether the connection had carried a request before. `tls`:
  /// nil on plain HTTP and before a handshake has ended.
  package init(remoteIP: [UInt8], reused: Bool, tls: TLSFacts?) {
    let shortText = LineLimits.shortText
    let texts = textBound(remoteIP.count, limit: shortText) + textBound(tls?.cipher.count ?? 0, limit: shortText)
    bytes = Array(capacity: texts + LineLimits.connection) { output in
      output.withUnsafeMutableBufferPointer { memory, count in
        guard let base = memory.baseAddress else { return }
        var line = LineCursor(base, capacity: memory.count)
        line.literal(#","remote_ip":""#)
        line.text(remoteIP.span, limit: shortText)
        line.literal(reused ? #"","reused":true"# : #"","reused":false"#)
        if let tls { line.tls(tls) }
        count = line.written
      }
    }
  }
}

/// What a record says about the TLS of its connection; made once a connection.
package struct TLSFacts: Sendable {
  /// "1.2" or "1.3".
  package var version: StaticString
  /// The name that OpenSSL gives it.
  package var cipher: [UInt8]
  /// Whether the handshake resumed a session.
  package var resumed: Bool

  package init(version: StaticString, cipher: [UInt8], resumed: Bool) {
    self.version = version
    self.cipher = cipher
    self.resumed = resumed
  }
}

extension LineCursor {
  fileprivate mutating func tls(_ tls: TLSFacts) {
    literal(#","tls":{"version":""#)
    literal(tls.version)
    literal(#"","cipher":""#)
    text(tls.cipher.span, limit: LineLimits.shortText)
    literal(tls.resumed ? #"","resumed":true}"# : #"","resumed":false}"#)
  }
}
