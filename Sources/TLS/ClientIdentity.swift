import COpenSSL
import Glibc

/// A client certificate with its key, as a job carries them: each in a text of its own, so that what is a secret and
/// what is none can go different ways.
package struct ClientIdentity: Equatable, Sendable {
  /// The certificate and what else the server needs to trace it to an anchor.
  package let certificatePEM: [UInt8]
  /// PKCS #8 without pass phrase.
  package let privateKeyPEM: [UInt8]

  /// From the content of files. The key is looked for beside the certificates if there is no file of its own; other
  /// content is left out.
  package init(certificateFile: [UInt8], keyFile: [UInt8]?, passphrase: [UInt8]?) throws(TLSConfigurationError) {
    ERR_clear_error()
    let chain = try PEM.certificates(certificateFile, named: "client certificate")
    defer { chain.forEach { X509_free($0) } }
    guard let key = PEM.privateKey(keyFile ?? certificateFile, passphrase: passphrase ?? []) else {
      let isSealed = PEM.isSealed(keyFile ?? certificateFile)
      let reason = isSealed ? "is under another pass phrase than was given (--pass)" : ErrorQueue.takeText()
      ERR_clear_error()
      throw TLSConfigurationError(description: "client key: \(reason)")
    }
    defer { EVP_PKEY_free(key) }
    guard X509_check_private_key(chain[0], key) == 1 else {
      throw TLSConfigurationError(description: "client key: is not that of the certificate")
    }
    let certificates = PEM.writing { memory in
      chain.allSatisfy { PEM_write_bio_X509(memory, $0) == 1 } ? 1 : 0
    }
    let secret = PEM.writing { PEM_write_bio_PKCS8PrivateKey($0, key, nil, nil, 0, nil, nil) }
    guard let certificates, let secret else {
      throw TLSConfigurationError(description: "client certificate: \(ErrorQueue.takeText())")
    }
    certificatePEM = certificates
    privateKeyPEM = secret
  }
}
