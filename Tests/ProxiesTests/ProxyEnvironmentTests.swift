import Proxies
import Testing

@Suite struct ProxyEnvironmentTests {
  private func names(_ variables: [String: String]) -> [String?] {
    let environment = ProxyEnvironment { variables[$0] }
    return [environment.http, environment.https, environment.bypass].map { $0?.name }
  }

  @Test func `nothing set is no proxy`() { #expect(names([:]) == [nil, nil, nil]) }

  @Test func `each scheme has its variable, and all_proxy stands for both`() {
    #expect(names(["http_proxy": "a"]) == ["http_proxy", nil, nil])
    #expect(names(["https_proxy": "a"]) == [nil, "https_proxy", nil])
    #expect(names(["HTTPS_PROXY": "a"]) == [nil, "HTTPS_PROXY", nil])
    #expect(names(["all_proxy": "a"]) == ["all_proxy", "all_proxy", nil])
    #expect(names(["ALL_PROXY": "a", "http_proxy": "b"]) == ["http_proxy", "ALL_PROXY", nil])
    #expect(names(["NO_PROXY": "a"]) == [nil, nil, "NO_PROXY"])
  }

  @Test func `the small letters go first`() {
    #expect(names(["https_proxy": "a", "HTTPS_PROXY": "b"]) == [nil, "https_proxy", nil])
    #expect(names(["all_proxy": "a", "ALL_PROXY": "b"]) == ["all_proxy", "all_proxy", nil])
    #expect(names(["no_proxy": "a", "NO_PROXY": "b"]) == [nil, nil, "no_proxy"])
  }

  @Test func `HTTP_PROXY is not read`() { #expect(names(["HTTP_PROXY": "a"]) == [nil, nil, nil]) }

  @Test func `an empty variable counts as absent`() {
    #expect(
      names(["http_proxy": "", "all_proxy": "a", "no_proxy": "", "NO_PROXY": "b"]) == [
        "all_proxy", "all_proxy", "NO_PROXY",
      ]
    )
    let environment = ProxyEnvironment { $0 == "http_proxy" ? "proxy.test" : nil }
    #expect(environment.http?.value == "proxy.test")
  }
}
