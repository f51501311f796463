/// What the environment says about proxies, in the variables that curl reads. Only ever asked for by an option.
package struct ProxyEnvironment: Equatable, Sendable {
  /// A variable that is not empty.
  package struct Variable: Equatable, Sendable {
    package let name: String
    package let value: String
  }

  /// For origins with http.
  package let http: Variable?
  /// For origins with https.
  package let https: Variable?
  /// The list of hosts that are reached without a proxy.
  package let bypass: Variable?

  /// `value`: of a variable by its name. One that is empty counts as absent.
  package init(_ value: (String) -> String?) {
    func first(_ names: String...) -> Variable? {
      for name in names {
        if let value = value(name), !value.isEmpty { return Variable(name: name, value: value) }
      }
      return nil
    }
    // HTTP_PROXY is what a CGI program gets for a request's field "Proxy", so anybody may have set it.
    http = first("http_proxy", "all_proxy", "ALL_PROXY")
    https = first("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
    bypass = first("no_proxy", "NO_PROXY")
  }
}
