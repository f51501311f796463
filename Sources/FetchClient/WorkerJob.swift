import FetchModel
import HTTP1
import Records

/// What a worker makes of a job for itself: limits in the loop's units, and scratch space for rows.
final class WorkerJob {
  let context: JobContext
  let limits: TimeLimits
  let hasClientIdentity: Bool
  let book: AddressBook
  var writer: RecordWriter
  /// Scratch: the row that is being started, and the URL of a redirect.
  var row = RowRequest()
  var url = HTTPURL()

  init(_ context: JobContext) {
    self.context = context
    limits = TimeLimits(context.specification.deadlines)
    hasClientIdentity = context.specification.tls.certificatePEM != nil
    book = AddressBook(context.specification.addressing)
    writer = RecordWriter(agent: context.agentName)
  }

  var specification: JobSpecification { context.specification }
}
