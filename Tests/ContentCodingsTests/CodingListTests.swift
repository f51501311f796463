import ContentCodings
import Testing

@Suite struct CodingListTests {
  private func list(_ fields: String..., accepted: AcceptedCodings = .all) -> Result<[ContentCoding], CodingListProblem>
  {
    var list = CodingList()
    do throws(CodingListProblem) {
      for field in fields { try list.append(field: Array(field.utf8).span, accepted: accepted) }
    } catch {
      return .failure(error)
    }
    return .success(Array(list))
  }

  @Test(arguments: [
    ("gzip", [ContentCoding.gzip]), ("x-gzip", [.gzip]), ("X-GZip", [.gzip]), ("Deflate", [.deflate]),
    ("BR", [.brotli]),
    ("zstd", [.zstd]), ("", []), ("identity", []), (" , ,\t", []), ("Identity, gzip,identity", [.gzip]),
    ("gzip,br", [.gzip, .brotli]), (",\tgzip , zstd ,", [.gzip, .zstd]),
    ("gzip,gzip,gzip,gzip,gzip", [.gzip, .gzip, .gzip, .gzip, .gzip]),
  ])
  func `a field names codings in the order they were applied`(_ field: String, _ codings: [ContentCoding]) {
    #expect(list(field) == .success(codings))
  }

  @Test func `repeated fields are one list`() {
    #expect(list("gzip", "br, identity", "", "zstd") == .success([.gzip, .brotli, .zstd]))
    #expect(list("gzip,gzip,gzip", "gzip,gzip,gzip") == .failure(.tooManyLayers))
  }

  @Test(arguments: [
    ("compress", "compress"), ("gzip;q=1", "gzip;q=1"), ("gzip deflate", "gzip deflate"), ("none", "none"),
    ("gzi", "gzi"), ("gzipp", "gzipp"), ("b\u{FC}r", "b??r"), ("gzip, UTF-8", "UTF-8"), ("\u{0}", "?"),
  ])
  func `a name that is none is said`(_ field: String, _ name: String) {
    #expect(list(field) == .failure(.unknown(name: name)))
  }

  @Test func `a long name is cut in the message`() {
    #expect(list(String(repeating: "x", count: 1000)) == .failure(.unknown(name: String(repeating: "x", count: 40))))
  }

  @Test func `a coding that was not asked for is refused`() {
    #expect(list("br", accepted: [.init(.gzip), .init(.zstd)]) == .failure(.notAccepted(.brotli)))
    #expect(list("gzip", accepted: [.init(.gzip)]) == .success([.gzip]))
    #expect(list("identity", accepted: []) == .success([]))
  }

  private static let requests: [(String, [ContentCoding])] = [
    ("gzip, deflate, br, zstd", [.gzip, .deflate, .brotli, .zstd]), ("", []), ("identity", []),
    ("*", [.gzip, .deflate, .brotli, .zstd]), ("gzip", [.gzip]), ("X-GZIP", [.gzip]), ("gzip;q=0", []),
    ("gzip;q=0.000, br", [.brotli]), ("gzip ; Q=0.", []), ("gzip;q=0.001", [.gzip]), ("gzip;q=1.0,*;q=0", [.gzip]),
    ("*, br;q=0", [.gzip, .deflate, .zstd]), ("*;q=0", []), ("zstd;a=b;q=0", []), ("gzip;q=", [.gzip]),
    (";q=0,br", [.brotli]), ("compress, zstd;q=0.5", [.zstd]), ("*;q=0.1, gzip", [.gzip, .deflate, .brotli, .zstd]),
  ]

  @Test(arguments: requests)
  func `a request asks for the codings it names`(_ field: String, _ expected: [ContentCoding]) {
    let accepted = AcceptedCodings(field: Array(field.utf8).span)
    #expect(ContentCoding.allCases.filter { accepted.contains($0) } == expected)
  }

  @Test func `the field of a request asks for all`() {
    #expect(AcceptedCodings(field: Array("gzip, deflate, br, zstd".utf8).span) == .all)
  }
}
