/// What stands on the command line.
struct Options: Sendable {
  static let usage =
    "usage: async-http-client --list FILE --cacert FILE [--connections N] [--threads N] [--close] [--report SECONDS]"

  var list = ""
  var authorities = ""
  var connections = 50
  var threads = 1
  var closes = false
  var reportSeconds: Int?

  init?(_ arguments: [String]) {
    var rest = arguments[...]
    while let name = rest.popFirst() {
      if name == "--close" {
        closes = true
        continue
      }
      guard let value = rest.popFirst() else { return nil }
      let number = Int(value).flatMap { $0 > 0 && $0 <= 100_000 ? $0 : nil }
      switch (name, number) {
      case ("--list", _): list = value
      case ("--cacert", _): authorities = value
      case ("--connections", let number?): connections = number
      case ("--threads", let number?): threads = number
      case ("--report", let number?): reportSeconds = number
      default: return nil
      }
    }
    guard !list.isEmpty, !authorities.isEmpty else { return nil }
  }
}
