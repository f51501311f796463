import FetchModel
import Foundation
import JobStore

/// Which rows of a job that has ended are to be fetched again.
package struct RowSelection: Codable, Equatable, Sendable {
  /// Those that failed, whatever the status.
  package var failed: Bool
  /// Those with such a status, first to last of each range.
  package var statuses: [ClosedRange<UInt16>]
  /// Unsafe requests that may have been carried out, too.
  package var includesUnclear: Bool

  package init(failed: Bool, statuses: [ClosedRange<UInt16>], includesUnclear: Bool) {
    self.failed = failed
    self.statuses = statuses
    self.includesUnclear = includesUnclear
  }

  func chooses(_ column: ResultColumn) -> Bool {
    failed && column.failure != nil || column.status > 0 && statuses.contains { $0.contains(column.status) }
  }

  /// As the journal of a pass keeps it.
  var encoded: [UInt8] {
    get throws { Array(try JSONEncoder().encode(self)) }
  }

  init(decoding bytes: [UInt8]) throws {
    self = try JSONDecoder().decode(RowSelection.self, from: Data(bytes))
  }
}

extension FailureCode {
  /// Whether the request may have reached its server: of one that must not be sent twice nobody knows then what
  /// became of it.
  var mayHaveBeenSent: Bool {
    switch self {
    case .sendTimeout, .firstByteTimeout, .idleTimeout, .tooSlow, .timeoutTotal, .reset, .closedBeforeResponse,
      .closedEarly, .malformedResponse, .headTooLarge, .contentEncodingInvalid, .decodedTooLarge, .tooManyRedirects,
      .redirectLoop, .redirectInvalid, .redirectDowngrade, .agentLost:
      true
    case .invalidURL, .invalidRequest, .invalidJSON, .lineTooLong, .dnsNotFound, .dnsNoAddress, .dnsServfail,
      .dnsTimeout, .connectRefused, .connectTimeout, .connectUnreachable, .tlsTimeout, .tlsCertificateExpired,
      .tlsCertificateNotYetValid, .tlsCertificateUntrusted, .tlsCertificateInvalid, .tlsHostnameMismatch,
      .tlsPinMismatch, .tlsAlert, .tlsHandshakeFailed, .addressBlocked, .robotsDisallowed, .originDown:
      false
    }
  }
}
