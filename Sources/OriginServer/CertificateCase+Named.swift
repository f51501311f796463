// The cases by name, most of them those of badssl.com (chromium/badssl.com), which wants each refused or accepted by
// every client. A host below `domain` names the case it asks for.

extension CertificateCase {
  /// The domain of the hosts that ask for a case by name: `expired.cases.test` asks for `expired`.
  package static let domain = "cases.test"

  /// The case of this name, for the host under `domain`; nil if there is none.
  package static func named(_ name: String) -> CertificateCase? {
    tables.lazy.compactMap { $0[name] }.first?()
  }

  package static var allNames: [String] { tables.flatMap(\.keys).sorted() }

  /// The leaf that is right for a case's host.
  private static func leaf(_ name: String) -> CertificateProfile {
    .server([.dns("\(name).\(domain)")], commonName: "\(name).\(domain)")
  }

  private static func leaf(_ name: String, _ change: (inout CertificateProfile) -> Void) -> CertificateProfile {
    var profile = leaf(name)
    change(&profile)
    return profile
  }

  private static func intermediate(_ change: (inout CertificateProfile) -> Void = { _ in }) -> CertificateProfile {
    var profile = CertificateProfile.authority("Trawl intermediate authority")
    change(&profile)
    return profile
  }

  private static let upper = CertificateProfile.authority("Trawl upper authority")

  /// Signs with RSA: ECDSA has no signature over MD5.
  private static var rsaIntermediate: CertificateProfile { intermediate { $0.key = .rsa(bits: 2048) } }

  /// Made when asked for: one of them has ten thousand names.
  private typealias Table = [String: @Sendable () -> CertificateCase]

  private static let tables: [Table] = [validity, chains, names, strengths, uses, unknownAuthorities]

  private static let validity: Table = [
    "expired": {
      CertificateCase(
        leaf("expired") {
          $0.notBefore = -10 * CertificateProfile.day
          $0.notAfter = -CertificateProfile.day
        }
      )
    },
    "not-yet-valid": { CertificateCase(leaf("not-yet-valid") { $0.notBefore = CertificateProfile.day }) },
    "expired-intermediate": {
      CertificateCase(
        leaf("expired-intermediate"),
        intermediates: [
          intermediate {
            $0.notBefore = -10 * CertificateProfile.day
            $0.notAfter = -CertificateProfile.day
          }
        ]
      )
    },
    // Neither is looked up: no list, no responder, no log of certificates.
    "revoked": { CertificateCase(leaf("revoked") { $0.revocationList = "URI:http://crl.cases.test/list" }) },
    "pinning-test": { CertificateCase(leaf("pinning-test")) },
    "no-sct": { CertificateCase(leaf("no-sct")) },
    "extended-validation": {
      CertificateCase(leaf("extended-validation") { $0.claimsExtendedValidation = true })
    },
  ]

  private static let chains: Table = [
    "self-signed": { CertificateCase(leaf("self-signed"), anchor: .itself) },
    "intermediate": { CertificateCase(leaf("intermediate"), intermediates: [intermediate()]) },
    "incomplete-chain": {
      CertificateCase(leaf("incomplete-chain"), intermediates: [intermediate()], sent: .nothing)
    },
    "reversed-chain": {
      CertificateCase(leaf("reversed-chain"), intermediates: [upper, intermediate()], sent: .reversed)
    },
    "shuffled-chain": {
      CertificateCase(leaf("shuffled-chain"), intermediates: [upper, intermediate()], sent: .shuffled)
    },
    "anchor-in-chain": {
      CertificateCase(leaf("anchor-in-chain"), intermediates: [intermediate()], sent: .withAnchor)
    },
    // As when an old root ran out and servers went on to send the bridge to it.
    "cross-signed-by-expired": {
      CertificateCase(leaf("cross-signed-by-expired"), intermediates: [intermediate()], sent: .crossSigned)
    },
    "intermediate-no-authority": {
      CertificateCase(
        leaf("intermediate-no-authority"),
        intermediates: [intermediate { $0.basicConstraints = "critical,CA:FALSE" }]
      )
    },
    "intermediate-signs-no-certificates": {
      CertificateCase(
        leaf("intermediate-signs-no-certificates"),
        intermediates: [intermediate { $0.keyUsage = "critical,digitalSignature" }]
      )
    },
    "path-too-long": {
      CertificateCase(
        leaf("path-too-long"),
        intermediates: [.authority("Trawl upper authority", pathLength: 0), intermediate()]
      )
    },
    "name-not-permitted": {
      CertificateCase(
        leaf("name-not-permitted"),
        intermediates: [intermediate { $0.nameConstraints = "critical,permitted;DNS:elsewhere.test" }]
      )
    },
    "name-excluded": {
      CertificateCase(
        leaf("name-excluded"),
        intermediates: [intermediate { $0.nameConstraints = "critical,excluded;DNS:\(domain)" }]
      )
    },
    "name-permitted": {
      CertificateCase(
        leaf("name-permitted"),
        intermediates: [intermediate { $0.nameConstraints = "critical,permitted;DNS:\(domain)" }]
      )
    },
    "bad-signature": { CertificateCase(leaf("bad-signature") { $0.isTamperedWith = true }) },
  ]

  private static let uses: Table = [
    "wrong-usage": { CertificateCase(leaf("wrong-usage") { $0.extendedKeyUsage = "clientAuth" }) },
    "no-usage-given": {
      CertificateCase(
        leaf("no-usage-given") {
          $0.extendedKeyUsage = nil
          $0.keyUsage = nil
        }
      )
    },
    "unknown-extension": { CertificateCase(leaf("unknown-extension") { $0.hasUnknownCriticalExtension = true }) },
  ]

  private static let names: Table = [
    "wrong.host": { CertificateCase(leaf("wrong.host") { $0.names = [.dns("*.\(domain)")] }) },
    "no-common-name": {
      CertificateCase(
        leaf("no-common-name") {
          $0.commonName = nil
          $0.organization = "Trawl"
        }
      )
    },
    "no-subject": { CertificateCase(leaf("no-subject") { $0.commonName = nil }) },
    "no-san": { CertificateCase(leaf("no-san") { $0.names = [] }) },
    "1000-sans": { CertificateCase(leaf("1000-sans") { $0.names = manyNames(1000) + $0.names }) },
    "10000-sans": { CertificateCase(leaf("10000-sans") { $0.names = manyNames(10_000) + $0.names }) },
    "xn--n1aae7f7o": { CertificateCase(leaf("xn--n1aae7f7o")) },
    "wildcard": { CertificateCase(leaf("wildcard") { $0.names = [.dns("*.\(domain)")] }) },
    "partial-wildcard": { CertificateCase(leaf("partial-wildcard") { $0.names = [.dns("partial-*.\(domain)")] }) },
    "name-in-capitals": {
      CertificateCase(leaf("name-in-capitals") { $0.names = [.dns("NAME-in-capitals.CASES.test")] })
    },
    "dot-at-end": { CertificateCase(leaf("dot-at-end") { $0.names = [.dns("dot-at-end.\(domain).")] }) },
    "nul-in-name": {
      CertificateCase(leaf("nul-in-name") { $0.names = [.dns("nul-in-name.\(domain)\0.elsewhere.test")] })
    },
    "nul-at-end": { CertificateCase(leaf("nul-at-end") { $0.names = [.dns("nul-at-end.\(domain)\0")] }) },
    "latin-in-name": {
      CertificateCase(leaf("latin-in-name") { $0.names = [.dns(Array("latin-in-name.\(domain)".utf8) + [0xE9])] })
    },
    "address-as-name": { CertificateCase(leaf("address-as-name") { $0.names = [.dns("127.0.0.1"), .dns("::1")] }) },
    "address": {
      CertificateCase(
        leaf("address") { $0.names = [.address([127, 0, 0, 1]), .address([UInt8](repeating: 0, count: 15) + [1])] }
      )
    },
  ]

  private static func manyNames(_ count: Int) -> [CertificateProfile.Name] {
    (0..<count).map { .dns("host-\($0).\(domain)") }
  }

  private static let strengths: Table = [
    "sha1": { CertificateCase(leaf("sha1") { $0.digest = .sha1 }) },
    "sha1-intermediate": {
      CertificateCase(leaf("sha1-intermediate"), intermediates: [intermediate { $0.digest = .sha1 }])
    },
    "md5": { CertificateCase(leaf("md5") { $0.digest = .md5 }, intermediates: [rsaIntermediate]) },
    "sha256": { CertificateCase(leaf("sha256"), intermediates: [rsaIntermediate]) },
    "sha384": { CertificateCase(leaf("sha384") { $0.digest = .sha384 }, intermediates: [rsaIntermediate]) },
    "sha512": { CertificateCase(leaf("sha512") { $0.digest = .sha512 }, intermediates: [rsaIntermediate]) },
    "rsa512": { CertificateCase(leaf("rsa512") { $0.key = .rsa(bits: 512) }) },
    "rsa1024": { CertificateCase(leaf("rsa1024") { $0.key = .rsa(bits: 1024) }) },
    "rsa2048": { CertificateCase(leaf("rsa2048") { $0.key = .rsa(bits: 2048) }) },
    "rsa4096": { CertificateCase(leaf("rsa4096") { $0.key = .rsa(bits: 4096) }) },
    "rsa8192": { CertificateCase(leaf("rsa8192") { $0.key = .rsa(bits: 8192) }) },
    "rsa1024-intermediate": {
      CertificateCase(leaf("rsa1024-intermediate"), intermediates: [intermediate { $0.key = .rsa(bits: 1024) }])
    },
    "ecc256": { CertificateCase(leaf("ecc256")) },
    "ecc384": { CertificateCase(leaf("ecc384") { $0.key = .p384 }) },
  ]

  private static let unknownAuthorities: Table = [
    "untrusted-root": { CertificateCase(leaf("untrusted-root"), anchor: .unknown, sent: .withAnchor) },
    "untrusted-root-not-sent": { CertificateCase(leaf("untrusted-root-not-sent"), anchor: .unknown) },
  ]
}
