import OriginServer

extension Situation {
  /// In the list's order. Codes of certificates are X509_V_ERR_* (openssl-verification-options(1)), of alerts those of
  /// RFC 8446 section 6.
  static let all: [Situation] = certificates + strengths + authorities + ciphers + versions + others

  private static let certificates: [Situation] = [
    Situation("expired", .certificate("expired"), outcome: "certificate 10 at depth 0"),
    Situation("wrong.host", .certificate("wrong.host"), outcome: "certificate 62 at depth 0"),
    Situation("self-signed", .certificate("self-signed"), outcome: "certificate 18 at depth 0"),
    Situation("untrusted-root", .certificate("untrusted-root"), outcome: "certificate 19 at depth 1"),
    // OpenSSL fetches no intermediate (AIA); 21 would follow 20, which ends it.
    Situation("incomplete-chain", .certificate("incomplete-chain"), outcome: "certificate 20 at depth 0"),
    Situation("reversed-chain", .certificate("reversed-chain"), outcome: "complete"),
    // Decided: no list of revoked certificates and no responder is asked, as curl asks none by default.
    Situation("revoked", .certificate("revoked"), outcome: "complete"),
    // Decided: a pin is the user's to give; nobody gave one here.
    Situation("pinning-test", .certificate("pinning-test"), outcome: "complete"),
    Situation("no-common-name", .certificate("no-common-name"), outcome: "complete"),
    Situation("no-subject", .certificate("no-subject"), outcome: "complete"),
    Situation("no-san (local-only)", .certificate("no-san"), outcome: "certificate 62 at depth 0"),
    Situation("1000-sans", .certificate("1000-sans"), outcome: "complete"),
    // Decided: OpenSSL's limit of 100 KiB for a chain stays; no honest server needs more.
    Situation("10000-sans", .certificate("10000-sans"), outcome: "error: excessive message size"),
    Situation("extended-validation", .certificate("extended-validation"), outcome: "complete"),
    Situation("xn--n1aae7f7o", .certificate("xn--n1aae7f7o"), outcome: "complete"),
  ]

  private static let strengths: [Situation] = [
    Situation("sha1", .certificate("sha1"), outcome: "certificate 68 at depth 0"),
    Situation("sha1-intermediate", .certificate("sha1-intermediate"), outcome: "certificate 68 at depth 1"),
    Situation("md5 (local-only)", .certificate("md5"), outcome: "certificate 68 at depth 0"),
    Situation(
      "rsa512/rsa1024 (local-only)",
      .certificate("rsa512"),
      .certificate("rsa1024"),
      outcome: "certificate 66 at depth 0"
    ),
    Situation(
      "sha256/sha384/sha512",
      .certificate("sha256"),
      .certificate("sha384"),
      .certificate("sha512"),
      outcome: "complete"
    ),
    Situation(
      "rsa2048/rsa4096/rsa8192",
      .certificate("rsa2048"),
      .certificate("rsa4096"),
      .certificate("rsa8192"),
      outcome: "complete"
    ),
    Situation("ecc256/ecc384", .certificate("ecc256"), .certificate("ecc384"), outcome: "complete"),
  ]

  /// Nine names for one thing: authorities of programs that stand between, which some systems trusted and we do not.
  private static let authorities: [Situation] = [
    "superfish", "edellroot", "dsdtestprovider", "preact-cli", "webpack-dev-server", "mitm-software",
    "known-interception", "blocked-interception", "captive-portal",
  ].map { Situation($0, .certificate("untrusted-root"), outcome: "certificate 19 at depth 1") }

  private static let ciphers: [Situation] = [
    // This OpenSSL has neither RC4 nor 3DES: a server that takes them all the same is forged.
    Situation("rc4", .bytes(Forged.serverHello(suite: 0x0005)), outcome: "error: unknown cipher returned"),
    Situation("rc4-md5", .bytes(Forged.serverHello(suite: 0x0004)), outcome: "error: unknown cipher returned"),
    Situation("null", .policy(.ciphers("NULL-SHA256"), .rsa(bits: 2048)), outcome: "alert 40"),
    Situation("3des", .bytes(Forged.serverHello(suite: 0x000A)), outcome: "error: unknown cipher returned"),
    // OpenSSL makes no group below 512 bits; where its server should use one, it gives up.
    Situation("dh480", .policy(.ciphers("DHE", .prime(bits: 480)), .rsa(bits: 2048)), outcome: "alert 80"),
    Situation(
      "dh512",
      .policy(.ciphers("DHE", .prime(bits: 512)), .rsa(bits: 2048)),
      outcome: "error: dh key too small"
    ),
    Situation(
      "dh1024",
      .policy(.ciphers("DHE", .prime(bits: 1024)), .rsa(bits: 2048)),
      outcome: "error: dh key too small"
    ),
    // Decided: as OpenSSL at security level 2, so as curl, groups of 2048 bits and more go, and whether the prime is
    // one is not looked into: a server that cheats there has the plain text anyway.
    Situation("dh-small-subgroup", .policy(.ciphers("DHE", .prime(bits: 2048)), .rsa(bits: 2048)), outcome: "complete"),
    Situation("dh-composite", .policy(.ciphers("DHE", .composite(bits: 2048)), .rsa(bits: 2048)), outcome: "complete"),
    Situation("dh2048", .policy(.ciphers("DHE", .automatic), .rsa(bits: 2048)), outcome: "complete"),
    // Decided: OpenSSL's default list stays, so that old servers of TLS 1.2 are reached; `--ciphers` narrows it.
    Situation("static-rsa", .policy(.ciphers("AES128-GCM-SHA256"), .rsa(bits: 2048)), outcome: "complete"),
    Situation("cbc", .policy(.ciphers("ECDHE-ECDSA-AES128-SHA"), .p256), outcome: "complete"),
  ]

  private static let versions: [Situation] = [
    Situation("ssl-v2", .bytes(Forged.serverHelloOfSSL2), outcome: "error: wrong version number"),
    Situation(
      "ssl-v3",
      .bytes(Forged.serverHello(version: 0x0300, suite: 0x002F)),
      outcome: "error: unsupported protocol"
    ),
    Situation("tls-v1-0", .policy(ServerPolicy(highest: .tls10), .p256), outcome: "alert 70"),
    Situation("tls-v1-1", .policy(ServerPolicy(highest: .tls11), .p256), outcome: "alert 70"),
    Situation("tls-v1-2", .policy(ServerPolicy(highest: .tls12), .p256), outcome: "complete"),
    Situation("tls-v1-3", .policy(only(.tls13), .p256), outcome: "complete"),
    // The profiles of Mozilla's Server Side TLS: 1.3 only, and 1.2 with forward secrecy beside it.
    Situation("mozilla-modern", .policy(only(.tls13), .p256), outcome: "complete"),
    Situation(
      "mozilla-intermediate",
      .policy(intermediate, .p256),
      .policy(intermediate, .rsa(bits: 2048)),
      outcome: "complete"
    ),
  ]

  private static let others: [Situation] = [
    // TLS 1.2; what TLS 1.3 makes of it is in `The end of a connection`.
    Situation("client-cert-missing", .policy(demanding, .p256), outcome: "alert 40"),
    // Decided: no proof of a certificate's publication is asked for; OpenSSL has no list of logs.
    Situation("no-sct / invalid-expected-sct", .certificate("no-sct"), outcome: "complete"),
    // Decided: a list's URLs are taken as written; nothing turns http into https.
    Situation("hsts / preloaded-hsts", .outsideTLS, outcome: "complete"),
    Situation(
      "http (plain http on 443)",
      .bytes(Array("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n".utf8)),
      outcome: "error: wrong version number"
    ),
  ]

  private static func only(_ version: TLSVersion) -> ServerPolicy {
    var policy = ServerPolicy(highest: version)
    policy.lowest = version
    return policy
  }

  private static var intermediate: ServerPolicy {
    var policy = ServerPolicy()
    policy.ciphers = """
      ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:\
      ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305
      """
    return policy
  }

  private static var demanding: ServerPolicy {
    var policy = ServerPolicy(highest: .tls12)
    policy.demandsCertificate = true
    return policy
  }
}
