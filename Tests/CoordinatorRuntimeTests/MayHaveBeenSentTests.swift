import CoordinatorRuntime
import FetchModel
import Testing

@Suite struct `A row that failed` {
  private func mayHaveBeenSent(
    _ failure: FailureCode?,
    status: UInt16 = 0,
    attempts: UInt8 = 1,
    followsRedirects: Bool = false
  ) -> Bool {
    ResultColumn(
      seq: 0,
      bodyBytes: 0,
      totalMicroseconds: 0,
      lineLength: 0,
      status: status,
      failure: failure,
      attempts: attempts
    ).mayHaveBeenSent(followsRedirects: followsRedirects)
  }

  @Test func `was sent if there was an answer`() {
    #expect(mayHaveBeenSent(nil, status: 502))
    #expect(mayHaveBeenSent(.closedEarly, status: 200))
  }

  @Test func `was not sent if there never was a connection`() {
    for code in [.dnsNotFound, .dnsTimeout, .connectRefused, .connectTimeout, .tlsCertificateExpired] as [FailureCode] {
      #expect(!mayHaveBeenSent(code))
      // An earlier attempt, or an earlier hop, may have got through.
      #expect(mayHaveBeenSent(code, attempts: 2))
      #expect(mayHaveBeenSent(code, followsRedirects: true))
    }
    #expect(!mayHaveBeenSent(.originDown, attempts: 0, followsRedirects: true))
    #expect(mayHaveBeenSent(.originDown, attempts: 1))
  }

  @Test func `may have been sent if its connection was there, or its agent is gone`() {
    let codes: [FailureCode] = [
      .reset, .firstByteTimeout, .timeoutTotal, .closedBeforeResponse, .tlsAlert, .agentLost,
    ]
    for code in codes { #expect(mayHaveBeenSent(code)) }
  }

  @Test func `was not sent if it is no request`() {
    for code in [.invalidURL, .invalidRequest, .invalidJSON, .lineTooLong] as [FailureCode] {
      #expect(!mayHaveBeenSent(code, followsRedirects: true))
    }
  }
}
