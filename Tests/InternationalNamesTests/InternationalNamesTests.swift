import InternationalNames
import Testing

@Suite struct InternationalNamesTests {
  private func ascii(_ name: String) -> Result<String, InternationalNameProblem> { ascii(Array(name.utf8)) }

  private func ascii(_ name: [UInt8]) -> Result<String, InternationalNameProblem> {
    do throws(InternationalNameProblem) {
      return .success(String(decoding: try asciiName(of: name), as: UTF8.self))
    } catch {
      return .failure(error)
    }
  }

  @Test(arguments: [
    ("b\u{FC}cher", "xn--bcher-kva"), ("B\u{DC}CHER", "xn--bcher-kva"), ("bu\u{308}cher", "xn--bcher-kva"),
    ("\u{FF22}\u{FC}cher\u{FF0E}\u{FF44}\u{FF45}", "xn--bcher-kva.de"), ("a\u{3002}b\u{FF61}c", "a.b.c"),
    ("\u{FF11}\u{FF12}", "12"), ("a\u{AD}b", "ab"), ("\u{AD}", ""),
    ("\u{915}\u{94D}\u{200D}\u{937}", "xn--11b2ezcw70k"),
  ])
  func `a name is mapped, normalised and encoded`(_ name: String, _ expected: String) {
    #expect(ascii(name) == .success(expected))
  }

  // Deviation characters of UTS #46: transitional processing would map them away.
  @Test(arguments: [("fa\u{DF}", "xn--fa-hia"), ("\u{3B2}\u{3CC}\u{3BB}\u{3BF}\u{3C2}", "xn--nxasmm1c")])
  func `processing is not transitional`(_ name: String, _ expected: String) {
    #expect(ascii(name) == .success(expected))
  }

  @Test(arguments: [
    ("\u{2603}", "xn--n3h"), ("\u{1F600}", "xn--e28h"), ("i\u{2764}\u{FE0F}", "xn--i-7iq"), ("xn--n3h", "xn--n3h"),
    ("xn--i-7iq", "xn--i-7iq"), ("\u{2603}\u{FF0E}\u{2615}", "xn--n3h.xn--53h"),
  ])
  func `symbols are no idna2008 and yet names`(_ name: String, _ expected: String) {
    #expect(ascii(name) == .success(expected))
  }

  @Test(arguments: [
    ("xn--a", InternationalNameProblem.invalidCharacter), ("xn--", .invalidALabel), ("xn--0", .invalidALabel),
    ("xn--u-ccb", .invalidCharacter), ("xn--zn7c", .invalidCharacter), ("xn--1ug", .invalidCharacter),
    ("a\u{200D}b", .invalidCharacter), ("a\u{5D0}", .invalidCharacter), ("\u{5D0}0a", .invalidCharacter),
    ("\u{301}a", .invalidCharacter), ("-\u{FC}", .invalidCharacter), ("ab--\u{FC}", .invalidCharacter),
    ("\u{2603}\u{DF}", .invalidCharacter), ("\u{FC}\u{0}a", .invalidCharacter), ("\u{FFFD}", .invalidCharacter),
    ("\u{80}", .invalidCharacter), ("\u{2488}", .invalidCharacter),
  ])
  func `what is no name says why`(_ name: String, _ problem: InternationalNameProblem) {
    #expect(ascii(name) == .failure(problem))
  }

  @Test func `bytes that are no utf-8 are refused`() {
    for bytes in [[0xFF], [0x61, 0xC3], [0xED, 0xA0, 0x80], [0xC0, 0xAE], [0xF4, 0x90, 0x80, 0x80]] as [[UInt8]] {
      #expect(ascii(bytes) == .failure(.notUTF8))
    }
  }

  @Test func `a label that is too long is refused`() {
    #expect(ascii(String(repeating: "\u{FC}", count: 60)) == .failure(.labelTooLong))
  }

  // The caller has to refuse these; what must not happen is that they are left out.
  @Test(arguments: [("a\u{FF0F}b", "a/b"), ("\u{2100}", "a/c"), ("a\u{FF20}", "a@"), ("\u{FF41}_b", "a_b")])
  func `ascii that comes out is left as it is`(_ name: String, _ expected: String) {
    #expect(ascii(name) == .success(expected))
  }
}
