/// The keys that a JSON row may have.
package enum RowKey: UInt8, CaseIterable, Sendable {
  case url, method, headers, body, bodyBase64, id, timeout, sni

  /// The key as rows spell it.
  package var name: StaticString {
    switch self {
    case .url: "url"
    case .method: "method"
    case .headers: "headers"
    case .body: "body"
    case .bodyBase64: "body_b64"
    case .id: "id"
    case .timeout: "timeout"
    case .sni: "sni"
    }
  }

  /// nil if no key has this name; case matters.
  init?(named name: [UInt8]) {
    for key in Self.allCases where key.name.utf8CodeUnitCount == name.count {
      guard key.name.withUTF8Buffer({ $0.elementsEqual(name) }) else { continue }
      self = key
      return
    }
    return nil
  }
}

/// Why a row that is JSON is no request. Names keys and header fields, never their values: these may be secret.
package enum InvalidRequest: Error, Equatable, Sendable, CustomStringConvertible {
  case missingURL
  /// With the key's beginning, fit to be shown.
  case unknownKey(String)
  case duplicateKey(RowKey)
  case wrongType(RowKey)
  case invalidMethod
  case unsupportedMethod
  /// The position of the field among the row's fields, from 1.
  case invalidHeaderName(Int)
  case invalidHeaderValue(Int)
  case duplicateHeaderName(Int)
  case tooManyHeaders
  case headersTooLong
  case twoBodies
  case invalidBase64
  case idTooLong
  case invalidTimeout
  case invalidSNI

  package var description: String {
    switch self {
    case .missingURL: "the row has no key \"url\""
    case .unknownKey(let name): "the row has an unknown key \"\(name)\""
    case .duplicateKey(let key): "the row has a second key \"\(key.name)\""
    case .wrongType(let key): "the value of \"\(key.name)\" is not \(key.expectedType)"
    case .invalidMethod: "the value of \"method\" is no token"
    case .unsupportedMethod: "the value of \"method\" is CONNECT, which asks for a tunnel and fetches nothing"
    case .invalidHeaderName(let position): "the name of header field \(position) is no token"
    case .invalidHeaderValue(let position): "the value of header field \(position) holds a control character"
    case .duplicateHeaderName(let position):
      "the name of header field \(position) is there twice; repeat fields in an array of pairs"
    case .tooManyHeaders: "the row has more than \(RowRequest.maximumHeaderFields) header fields"
    case .headersTooLong: "the row's header fields are longer than \(RowRequest.maximumHeaderBytes) bytes"
    case .twoBodies: "the row has both \"body\" and \"body_b64\""
    case .invalidBase64: "the value of \"body_b64\" is not standard base64 with padding"
    case .idTooLong: "the value of \"id\" is longer than \(RowRequest.maximumIDBytes) bytes"
    case .invalidTimeout: "the value of \"timeout\" is not above zero"
    case .invalidSNI: "the value of \"sni\" is no host name"
    }
  }
}

extension RowKey {
  fileprivate var expectedType: StaticString {
    switch self {
    case .url, .method, .body, .bodyBase64, .id, .sni: "a string"
    case .headers: "an object of strings or an array of pairs of strings"
    case .timeout: "a number of seconds"
    }
  }
}

/// Why an input line is no request.
package enum RowProblem: Error, Equatable, Sendable, CustomStringConvertible {
  case invalidURL(URLProblem)
  case invalidRequest(InvalidRequest)
  case invalidJSON(JSONProblem)
  case lineTooLong

  /// The code for the row's record, in phase `input`.
  package var code: FailureCode {
    switch self {
    case .invalidURL: .invalidURL
    case .invalidRequest: .invalidRequest
    case .invalidJSON: .invalidJSON
    case .lineTooLong: .lineTooLong
    }
  }

  package var description: String {
    switch self {
    case .invalidURL(let problem): problem.description
    case .invalidRequest(let problem): problem.description
    case .invalidJSON(let problem): problem.description
    case .lineTooLong: "the line is longer than \(RowRequest.maximumLineBytes) bytes"
    }
  }
}
