import FetchModel

/// What a row's TLS connection has to be like, beside the origin: a connection carries only rows that want the same.
struct TLSVariant: Equatable {
  /// The row's `sni`; nil for the origin's own name.
  var indication: [UInt8]?
  /// The job's client certificate is for the origins of its rows, not for where redirects lead.
  var withholdsIdentity = false

  /// That of nearly all rows.
  private var isUsual: Bool { indication == nil && !withholdsIdentity }

  /// Both are usual nearly always, which is known without a look at bytes.
  static func == (left: TLSVariant, right: TLSVariant) -> Bool {
    if left.isUsual || right.isUsual { return left.isUsual && right.isUsual }
    return left.indication == right.indication && left.withholdsIdentity == right.withholdsIdentity
  }
}
