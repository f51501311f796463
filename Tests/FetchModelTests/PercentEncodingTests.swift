import FetchModel
import Foundation
import Testing

/// The percent-encoding tests of the web platform, as far as they are about UTF-8.
@Suite struct PercentEncodingTests {
  struct Row: Decodable, Sendable {
    var input: String
    var output: String
  }

  static let table: [Row] = {
    struct File: Decodable { var cases: [Row] }
    guard
      let url = Bundle.module.url(forResource: "percent-encoding", withExtension: "json", subdirectory: "Fixtures"),
      let data = try? Data(contentsOf: url),
      let file = try? JSONDecoder().decode(File.self, from: data)
    else { return [] }
    return file.cases
  }()

  @Test func `the table is whole`() { #expect(Self.table.count == 7) }

  @Test(arguments: table)
  func `a query is encoded as the table says, control characters excepted`(_ row: Row) throws {
    guard !row.input.utf8.contains(where: { $0 < 0x20 }) else {
      #expect(parsed("http://a/?\(row.input)") == .failure(.controlCharacter))
      return
    }
    #expect(try url("http://a/?\(row.input)").target.string == "/?\(row.output)")
    var located = HTTPURL()
    try located.resolve(Array("?\(row.input)".utf8).span, against: try url("http://b/"))
    #expect(located.target.string == "/?\(row.output)")
    // In a path the backslash is encoded, too.
    let inPath = row.output.replacing("\\", with: "%5C")
    #expect(try url("http://a/\(row.input)").target.string == "/\(inPath)")
  }
}
