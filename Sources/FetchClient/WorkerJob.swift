import ContentCodings
import FetchModel
import HTTP1
import Proxies
import Records
import TLS

/// What a worker makes of a job for itself: limits in the loop's units, and scratch space for rows.
final class WorkerJob {
  let context: JobContext
  let limits: TimeLimits
  let hasClientIdentity: Bool
  // Looked at for each response: the specification is a large thing to reach into.
  let body: BodyPolicy
  let retry: RetryPolicy
  let followsRedirects: Bool
  let decodes: Bool
  let book: AddressBook
  let proxies: ProxyRouting
  /// What the job's own Accept-Encoding allows.
  private let acceptedCodings: AcceptedCodings
  /// Both of the job's contexts trust alike.
  let chains = VerifiedChains()
  var writer: RecordWriter
  /// Scratch: the row that is being started, and the URL of a redirect.
  var row = RowRequest()
  var url = HTTPURL()

  init(_ context: JobContext) {
    self.context = context
    limits = TimeLimits(context.specification.deadlines)
    hasClientIdentity = context.specification.tls.certificatePEM != nil
    followsRedirects = context.specification.redirects.follow
    decodes = context.specification.body.decodes
    body = context.specification.body
    retry = context.specification.retry
    book = AddressBook(context.specification.addressing)
    proxies = ProxyRouting(context.specification.proxies)
    acceptedCodings = Self.codings(acceptedBy: context.specification.request.headers) ?? []
    writer = RecordWriter(agent: context.agentName)
  }

  /// What a request with these fields of its row says that its response may be.
  func acceptedCodings(rowHeaders: [HeaderField]) -> AcceptedCodings {
    rowHeaders.isEmpty ? acceptedCodings : Self.codings(acceptedBy: rowHeaders) ?? acceptedCodings
  }

  private static func codings(acceptedBy headers: [HeaderField]) -> AcceptedCodings? {
    headers.last { $0.isNamed("accept-encoding") }.map { AcceptedCodings(field: $0.value.span) }
  }

  /// The job's User-Agent, which a proxy is told.
  var userAgent: [UInt8]? { specification.request.headers.first { $0.isNamed("user-agent") }?.value }

  var specification: JobSpecification { context.specification }
}
