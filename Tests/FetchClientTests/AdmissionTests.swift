import FetchClient
import FetchModel
import Testing

@Suite struct AdmissionTests {
  @Test func `nothing starts without a lease, and none starts at its end`() {
    let admission = Admission()
    #expect(!admission.isLeased(at: .zero))
    admission.setLease(until: Instant(nanoseconds: 5))
    #expect(admission.isLeased(at: Instant(nanoseconds: 4)) && !admission.isLeased(at: Instant(nanoseconds: 5)))
  }

  @Test func `nothing starts while as many bytes wait as the coordinator allows`() {
    let admission = Admission()
    #expect(!admission.hasCredit)
    admission.setCredit(bytes: 100)
    admission.addUnacknowledged(99)
    #expect(admission.hasCredit)
    admission.addUnacknowledged(1)
    #expect(!admission.hasCredit)
    admission.setCredit(bytes: 101)
    #expect(admission.hasCredit)
    admission.addUnacknowledged(-100)
    admission.setCredit(bytes: 0)
    #expect(admission.hasCredit, "a coordinator that allows none would wait for ever")
  }
}
