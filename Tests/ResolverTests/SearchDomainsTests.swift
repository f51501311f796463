import Resolver
import Testing

@Suite struct SearchDomainsTests {
  @Test(arguments: [
    ("", "web", [], 1), ("", "web.corp.example", ["corp.example"], 1), ("", "web.", [], 1),
    ("search a.example b.example\n", "web.corp.example", ["a.example", "b.example"], 1),
    ("nameserver 192.0.2.1\ndomain a.example more\nsearch\tb.example # not.this\n", "web", ["b.example"], 1),
    ("search a.example\ndomain b.example c.example\r\n", "web", ["b.example"], 1),
    ("search .\n", "web.corp.example", [], 1), ("options ndots:0 rotate\n#search a.example\n", "web", [], 0),
    ("options timeout:3 ndots:99\n;search a.example\n", "web", [], 15), ("options ndots:x ndots:-1\n", "web", [], 1),
  ])
  func `what the file says counts, its last line first, then the name of the host`(
    _ file: String,
    _ host: String,
    _ domains: [String],
    _ fewestDots: Int32
  ) {
    let search = SearchDomains(parsing: Array(file.utf8), hostName: host)
    #expect(search.domains == domains)
    #expect(search.fewestDots == fewestDots)
  }
}
