import ArgumentParser
import FetchModel
import Foundation
import TLS

/// What the options say about TLS. Files are read here; only their content goes to agents.
extension JobOptions {
  func tlsPolicy() throws -> TLSPolicy {
    var policy = TLSPolicy()
    policy.verifies = !insecure
    policy.authoritiesPEM = try cacert.map { try bytes(ofFile: $0, option: "--cacert") }
    if let identity = try clientIdentity() {
      policy.certificatePEM = identity.certificatePEM
      policy.privateKeyPEM = identity.privateKeyPEM
    }
    policy.minimumVersion = try version(tlsMin, option: "--tls-min")
    policy.maximumVersion = try tlsMax.map { try version($0, option: "--tls-max") }
    if let highest = policy.maximumVersion, highest.rawValue < policy.minimumVersion.rawValue {
      throw ValidationError("--tls-max is below --tls-min")
    }
    policy.cipherList = ciphers
    policy.cipherSuites = tls13Ciphers
    policy.pinnedKeys = try pinnedpubkey.map(pinnedKeys) ?? []
    do {
      // The agents would find out, too, but later and elsewhere.
      _ = try TLSContext(policy)
    } catch {
      throw ValidationError("TLS options: \(error)")
    }
    return policy
  }

  private func version(_ text: String, option: String) throws -> TLSPolicy.Version {
    switch text {
    case "1.2": .tls12
    case "1.3": .tls13
    default: throw ValidationError("\(option) takes 1.2 or 1.3")
    }
  }

  private func clientIdentity() throws -> ClientIdentity? {
    guard let cert else {
      if key == nil, pass == nil { return nil }
      throw ValidationError("--key and --pass belong to --cert, which is not given")
    }
    // As with curl, a pass phrase may follow the name; it stands where anybody on this host can see it.
    let parts = cert.split(separator: ":", maxSplits: 1).map(String.init)
    let isWhole = parts.count < 2 || FileManager.default.fileExists(atPath: cert)
    do {
      return try ClientIdentity(
        certificateFile: bytes(ofFile: isWhole ? cert : parts[0], option: "--cert"),
        keyFile: key.map { try bytes(ofFile: $0, option: "--key") },
        passphrase: pass.map(passphrase) ?? (isWhole ? nil : Array(parts[1].utf8))
      )
    } catch let error as TLSConfigurationError {
      throw ValidationError("--cert, --key: \(error)")
    }
  }

  private func passphrase(_ argument: String) throws -> [UInt8] {
    let bytes = try argumentOrFile(argument, option: "--pass")
    guard argument.hasPrefix("@") else { return bytes }
    return Array(bytes.prefix { $0 != 0x0A && $0 != 0x0D })
  }

  /// As with curl, any of several digests will do.
  private func pinnedKeys(_ argument: String) throws -> [[UInt8]] {
    let prefix = "sha256//"
    guard argument.hasPrefix(prefix) else {
      guard let digest = PublicKeyDigest(ofKeyIn: try bytes(ofFile: argument, option: "--pinnedpubkey")) else {
        throw ValidationError("--pinnedpubkey: \(argument) holds no public key in PEM or DER, nor a certificate in PEM")
      }
      return [digest.bytes]
    }
    return try argument.split(separator: ";", omittingEmptySubsequences: false).map { part in
      guard part.hasPrefix(prefix), let digest = PublicKeyDigest(base64: part.dropFirst(prefix.count)) else {
        throw ValidationError("--pinnedpubkey: \(part) is not sha256// and the base64 of 32 bytes")
      }
      return digest.bytes
    }
  }
}
